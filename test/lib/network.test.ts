/** Workers run in a VPC of the platform's own, or in one of the owner's, and then nothing of a network is made but their security group. */
import { describe, expect, test } from '@jest/globals';
import { type App, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import { z } from 'zod';
import { SpotreelStack } from '../../lib/index.ts';
import { deployment } from './support/deployment.ts';
import { lastingOf } from './support/lasting.ts';
import { type Resource, spell, synthesize, testApp } from './support/template.ts';

const VPC = 'vpc-0123456789abcdef0';
const SUBNETS = ['subnet-0aaaaaaaaaaaaaaaa', 'subnet-0bbbbbbbbbbbbbbbb'];
const given = { vpcId: VPC, subnetIds: SUBNETS };

/** The types of a template's network. */
const networkTypes = (resources: readonly Pick<Resource, 'Type'>[]) =>
  [...new Set(resources.map(({ Type }) => Type))]
    .filter((type) => /^AWS::EC2::/.test(type) && type !== 'AWS::EC2::LaunchTemplate')
    .sort();

/** Where a stack's launchers put machines: as they are told, and as they are allowed to. */
function launchSubnets(resources: readonly Resource[]) {
  const told = resources.flatMap(({ id, Type, Properties }) =>
    Type === 'AWS::Lambda::Function' && /Dispatch|Sweep/.test(id)
      ? [
          z
            .object({ Variables: z.object({ SUBNET_IDS: z.string() }) })
            .parse(spell(Properties['Environment'])),
        ]
      : [],
  );
  const policies = resources.filter(
    ({ id, Type }) => Type === 'AWS::IAM::Policy' && /Dispatch|Sweep/.test(id),
  );
  const arns = policies.map(({ Properties }) =>
    [...JSON.stringify(spell(Properties)).matchAll(/:subnet\/([^"]+)"/g)].map(([, name]) => name),
  );
  return { told: told.map(({ Variables }) => Variables.SUBNET_IDS.split(',')), allowed: arns };
}

describe('a VPC of the owner’s, by ids', () => {
  const resources = synthesize({ vpcIds: given });

  test('has nothing made in it but the workers’ security group: no VPC, no endpoint, no address', () => {
    expect(networkTypes(resources)).toEqual(['AWS::EC2::SecurityGroup']);
    const [group] = resources.filter(({ Type }) => Type === 'AWS::EC2::SecurityGroup');
    expect(group?.Properties).toMatchObject({ VpcId: VPC });
    expect(group?.Properties).not.toHaveProperty('SecurityGroupIngress');
  });

  test('has its machines in its subnets, and they may be launched in no others', () => {
    expect(launchSubnets(resources)).toEqual({
      told: [SUBNETS, SUBNETS],
      allowed: [SUBNETS.toSorted(), SUBNETS.toSorted()],
    });
  });

  test('leaves public addresses to its subnets: private ones have a way out without', () => {
    const templates = resources.filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate');
    expect(templates).toHaveLength(2);
    expect(JSON.stringify(templates)).not.toMatch(/NetworkInterfaces|AssociatePublicIpAddress/);
  });

  test('is read from the context, looks nothing up and is told of without a warning', () => {
    const stacks = deployment({ vpc: JSON.stringify(given) });
    const platform = stacks.find(({ name }) => name === 'Spotreel');
    expect(networkTypes(Object.values(platform?.Resources ?? {}))).toEqual(['AWS::EC2::SecurityGroup']);
    expect(platform?.artifact.assembly.manifest.missing ?? []).toEqual([]);
    expect(stacks.flatMap(({ artifact }) => artifact.messages.map(({ entry }) => entry.data))).toEqual([]);
  });

  test('can take the place of the platform’s own, and replaces nothing that lasts', () => {
    expect(lastingOf(deployment({ vpc: given }))).toEqual(lastingOf(deployment()));
  });

  test('satisfies AwsSolutions and the linter of templates', () => {
    const app = testApp({ '@aws-cdk/core:validateAgainstDefaultRules': true });
    new SpotreelStack(app, 'Spotreel', { vpcIds: given });
    expect(new AwsSolutionsChecks(app).validateScope(app).violations).toEqual([]);
    expect(() => app.synth()).not.toThrow();
  });
});

describe('a VPC of the owner’s app', () => {
  const KINDS = {
    public: ec2.SubnetType.PUBLIC,
    private: ec2.SubnetType.PRIVATE_WITH_EGRESS,
    isolated: ec2.SubnetType.PRIVATE_ISOLATED,
    more: ec2.SubnetType.PUBLIC,
  } as const;
  type Kind = keyof typeof KINDS;

  /** The stack's resources, with a VPC that has subnets of these kinds in two zones each. */
  function inVpcOf(kinds: readonly Kind[], vpcSubnets?: ec2.SubnetSelection): Resource[] {
    const app = testApp();
    const vpc = new ec2.Vpc(new Stack(app, 'Net'), 'Vpc', {
      maxAzs: 2,
      natGateways: kinds.includes('private') ? 1 : 0,
      subnetConfiguration: kinds.map((name) => ({ name, subnetType: KINDS[name] })),
    }) as ec2.IVpc; // it implements the interface; CDK's types are not made for `exactOptionalPropertyTypes`
    return synthesize({ vpc, ...(vpcSubnets && { vpcSubnets }) }, app);
  }

  /** Subnets that are named in what a launcher is told, and in what it is allowed. */
  const subnetsNamed = (resources: readonly Resource[]) =>
    resources
      .filter(({ id, Type }) => /Lambda::Function$|IAM::Policy$/.test(Type) && /Dispatch|Sweep/.test(id))
      .map(({ Properties }) => [
        ...new Set([...JSON.stringify(Properties).matchAll(/Vpc([a-z]+Subnet\d)/g)].map(([, name]) => name)),
      ]);

  test.each<[which: string, kinds: Kind[], selection: ec2.SubnetSelection | undefined, taken: string]>([
    ['the private ones where there are any', ['public', 'private'], undefined, 'private'],
    ['the public ones where no private one leads out', ['public', 'isolated'], undefined, 'public'],
    ['those that are selected', ['public', 'private'], { subnetType: KINDS.public }, 'public'],
    [
      'one of two in a zone, for EC2 takes no two',
      ['public', 'more'],
      { subnetType: KINDS.public },
      'public',
    ],
  ])('has workers in %s', (_, kinds, selection, taken) => {
    const wanted = [`${taken}Subnet1`, `${taken}Subnet2`];
    expect(subnetsNamed(inVpcOf(kinds, selection))).toEqual(Array(4).fill(wanted));
  });

  test('may be one that CDK has yet to look up, whose subnets nobody knows the first time', () => {
    const app = testApp();
    const env = { account: '123456789012', region: 'eu-central-1' };
    const vpc = ec2.Vpc.fromLookup(new Stack(app, 'Net', { env }), 'Vpc', { vpcId: VPC });
    const vpcSubnets = { subnetGroupName: 'Workers' };
    expect(() => new SpotreelStack(app, 'Spotreel', { vpc, vpcSubnets, stack: { env } })).not.toThrow();
  });
});

describe('refused is', () => {
  const vpcOf = (app: App) =>
    ec2.Vpc.fromVpcAttributes(new Stack(app, 'Net'), 'Vpc', { vpcId: VPC, availabilityZones: ['a'] });

  test.each<[name: string, context: object, message: string]>([
    ['what is no JSON', { vpc: VPC }, `vpc: is not JSON: ${VPC}`],
    ['a VPC without subnets', { vpc: { vpcId: VPC } }, 'vpc.subnetIds'],
    [
      'an empty list of subnets',
      { vpc: { ...given, subnetIds: [] } },
      'vpc.subnetIds: is empty; name the subnets',
    ],
    [
      'a subnet for a VPC',
      { vpc: { ...given, vpcId: SUBNETS[0] } },
      `vpc.vpcId: is ${SUBNETS[0]}; give an id like vpc-`,
    ],
    ['a name for a VPC', { vpc: { ...given, vpcId: 'vpc-main' } }, 'vpc.vpcId: is vpc-main'],
    [
      'an id of too few digits',
      { vpc: { ...given, subnetIds: ['subnet-0123'] } },
      'vpc.subnetIds.0: is subnet-0123',
    ],
    [
      'a subnet twice',
      { vpc: { ...given, subnetIds: [SUBNETS[0], SUBNETS[0]] } },
      `vpc.subnetIds: names a subnet twice: ${SUBNETS[0]},${SUBNETS[0]}`,
    ],
    ['what no VPC has', { vpc: { ...given, zones: 2 } }, 'vpc: Unrecognized key: "zones"'],
    ['zones beside a VPC', { vpc: given, zones: 2 }, 'zones is 2 beside a vpc; leave zones out'],
  ])('%s', (_, context, message) => {
    expect(() => deployment({ ...context })).toThrow(message);
  });

  test('a selection of subnets without a VPC', () => {
    const vpcSubnets = { subnetType: ec2.SubnetType.PUBLIC };
    expect(() => synthesize({ vpcSubnets })).toThrow('vpcSubnets is given without a vpc');
  });

  test('a selection of no subnet', () => {
    const app = testApp();
    expect(() => synthesize({ vpc: vpcOf(app), vpcSubnets: { subnets: [] } }, app)).toThrow(
      'vpcSubnets selects no subnet',
    );
  });
});
