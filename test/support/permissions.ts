/** Permissions of roles against the calls that they make. */
import { GRANTS, type Role, type RoleCall } from '../../local/iam/iam.ts';
import { allows, spellGrant } from '../../local/iam/policy.ts';

/** Permissions that no service of the laptop sees used, and who uses them. */
const UNSEEN: ReadonlyArray<readonly [permission: RegExp, who: string]> = [
  [
    /^\S+ logs:(CreateLogStream|PutLogEvents) /,
    'Lambda, for what a function prints; a worker, where it has a log group.',
  ],
  [
    /^(dispatch|bury|notify) sqs:(ReceiveMessage|DeleteMessage|ChangeMessageVisibility|GetQueueAttributes|GetQueueUrl) .*:(uploads|events|\w+-dead-letters)$/,
    'Lambda, for it reads the queues of functions. What it may do to them is CDK’s choice (SqsEventSource).',
  ],
  [/^worker s3:GetObject .*\/own\.zip$/, 'bootstrap.sh, for it installs the worker’s program.'],
  [/^worker (ssm|ssmmessages):/, 'The agent of Systems Manager, for a shell without an open port.'],
];

/** What roles may do and never did, a line each. */
export function unusedPermissions(roles: readonly Role[], calls: readonly RoleCall[]): string[] {
  return roles.flatMap((role) => {
    const own = calls.filter((call) => call.role === role);
    return GRANTS[role]
      .filter((grant) => !own.some((call) => allows(grant, call)))
      .map((grant) => `${role} ${spellGrant(grant)}`)
      .filter((line) => !UNSEEN.some(([permission]) => permission.test(line)));
  });
}
