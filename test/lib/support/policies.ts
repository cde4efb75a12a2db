/** What each role of the platform may do, as its synthesized policy says it, in the laptop's names. */
import {
  DefaultTokenResolver,
  type IPostProcessor,
  type IResolvable,
  type IResolveContext,
  Reference,
  Tokenization,
} from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';

/** Roles of what runs on a laptop too, by where they are in the tree. */
const ROLES: ReadonlyMap<string, string> = new Map([
  ['Dispatch/Launcher/Function/Role', 'dispatch'],
  ['Sweep/Launcher/Function/Role', 'sweep'],
  ['Bury/Function/Role', 'bury'],
  ['Mend/Function/Role', 'mend'],
  ['Notify/Function/Role', 'notify'],
  ['Api/Function/Role', 'api'],
  ['Live/Authorize/Role', 'authorize-live'],
  ['Workers/Role', 'worker'],
]);

/** Roles that only a deployment takes. */
const DEPLOYING = ['Live/EndpointRole', 'Pages/Role'];

const ACCOUNT = '000000000000';
const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::Partition': 'aws',
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': ACCOUNT,
};

/** What the laptop calls the resources that policies name, by the end of their place in the tree. */
const RESOURCES: ReadonlyArray<readonly [place: RegExp, name: string]> = [
  [/\/Storage\/Uploads$/, 'arn:aws:s3:::spotreel-uploads'],
  [/\/Storage\/Production$/, 'arn:aws:s3:::spotreel-production'],
  [/\/Queues\/Uploads$/, `arn:aws:sqs:us-east-1:${ACCOUNT}:uploads`],
  [/\/Queues\/Tasks$/, `arn:aws:sqs:us-east-1:${ACCOUNT}:tasks`],
  [/\/Queues\/Events$/, `arn:aws:sqs:us-east-1:${ACCOUNT}:events`],
  [/\/Queues\/UploadsDeadLetters$/, `arn:aws:sqs:us-east-1:${ACCOUNT}:uploads-dead-letters`],
  [/\/Queues\/TasksDeadLetters$/, `arn:aws:sqs:us-east-1:${ACCOUNT}:tasks-dead-letters`],
  [/\/EdgeStore\/Store$/, `arn:aws:cloudfront::${ACCOUNT}:key-value-store/local`],
  [/\/Workers\/Role$/, `arn:aws:iam::${ACCOUNT}:role/spotreel-worker`],
  [/\/Workers\/Template-\w+$/, 'lt-00000000000000000'],
  [/\/WorkerSubnet\d\/Subnet$/, 'subnet-00000000000000000'],
  [/\/WorkerSecurityGroup$/, 'sg-00000000000000000'],
  [/\/Workers\/Logs$/, `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:workers`],
  [/\/Logs$/, `arn:aws:logs:us-east-1:${ACCOUNT}:log-group:own`],
];

/** Texts that are another on the laptop: a deployment's name, and assets, which change their names with their content. */
const TEXTS: ReadonlyArray<readonly [text: RegExp, name: string]> = [
  [/Spotreel-Platform-[0-9A-F]{8}/g, 'local'],
  [/current\/(arm64|amd64)\//g, 'current/own/'],
  [/cdk-\w+-assets-[\w-]+\/[0-9a-f]{64}\.zip/g, 'assets/own.zip'],
];

/** The policy document of each role in a tree of constructs. Throws an `Error` that names what the tables lack. */
export function policiesOf(root: IConstruct): Record<string, unknown> {
  const policies: Record<string, unknown> = {};
  for (const policy of root.node.findAll()) {
    if (!(policy instanceof iam.CfnPolicy)) continue;
    const { path } = policy.node;
    if (DEPLOYING.some((place) => path.includes(`/${place}/`))) continue;
    const [, role] = [...ROLES].find(([place]) => path.includes(`/${place}/`)) ?? [];
    if (role === undefined) throw new Error(`Say in test/lib/support/policies.ts whose policy ${path} is`);
    if (role in policies) throw new Error(`${role} has more than one policy; one of them is ${path}`);
    const resolver = new LaptopNames(new Joined());
    policies[role] = tidy(
      Tokenization.resolve(policy.policyDocument, { scope: policy, resolver, preparing: false }),
    );
  }
  return policies;
}

/** Resolves references to the laptop's names for their targets. */
class LaptopNames extends DefaultTokenResolver {
  override resolveToken(
    token: IResolvable,
    context: IResolveContext,
    postProcessor: IPostProcessor,
  ): unknown {
    if (!Reference.isReference(token)) return super.resolveToken(token, context, postProcessor);
    const path = token.target.node.path.replace(/\/Resource$/, '');
    const [, name] = RESOURCES.find(([place]) => place.test(path)) ?? [];
    if (name === undefined)
      throw new Error(`Say in test/lib/support/policies.ts what the laptop calls ${path}`);
    return name;
  }
}

/** Joins pieces of strings, among them what CloudFormation alone knows. */
class Joined {
  join(left: unknown, right: unknown): string {
    return `${textOf(left)}${textOf(right)}`;
  }
}

function textOf(piece: unknown): string {
  if (piece === undefined) return '';
  if (typeof piece === 'object' && piece !== null) {
    if ('Ref' in piece) return named(String(piece.Ref));
    if ('Fn::Sub' in piece)
      return String(piece['Fn::Sub']).replace(/\$\{([^}]+)\}/g, (_, name) => named(name));
  }
  return String(piece);
}

function named(parameter: string): string {
  const name = PSEUDO_PARAMETERS[parameter];
  if (name === undefined)
    throw new Error(`Say in test/lib/support/policies.ts what ${parameter} is on a laptop`);
  return name;
}

/** Renames texts; where several resources then have one name, it stands once. */
function tidy(value: unknown): unknown {
  if (typeof value === 'string') return TEXTS.reduce((text, [from, to]) => text.replace(from, to), value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    const items = value.map(tidy);
    return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tidy(inner)]));
}
