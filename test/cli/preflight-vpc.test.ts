/** Subnets of the owner's, as EC2 would describe them, and what is said of each before anything is deployed. */
import {
  DescribeRouteTablesCommand,
  DescribeSubnetsCommand,
  EC2Client,
  type Route,
  type RouteTable,
  type Subnet,
} from '@aws-sdk/client-ec2';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { vpcChecks } from '../../cli/preflight-vpc.ts';

const PLACE = { account: '123456789012', region: 'eu-central-1' };
const VPC = 'vpc-0123456789abcdef0';
const A = 'subnet-0aaaaaaaaaaaaaaaa';
const B = 'subnet-0bbbbbbbbbbbbbbbb';

const ec2 = mockClient(EC2Client);
beforeAll(() => {
  process.env['AWS_REGION'] = PLACE.region;
});
afterAll(() => {
  delete process.env['AWS_REGION'];
});
beforeEach(() => {
  ec2.reset();
});

const subnet = (id: string, changes: Subnet = {}): Subnet => ({
  SubnetId: id,
  VpcId: VPC,
  OwnerId: PLACE.account,
  AvailabilityZone: id === A ? 'eu-central-1a' : 'eu-central-1b',
  MapPublicIpOnLaunch: false,
  ...changes,
});
const PUBLIC = { MapPublicIpOnLaunch: true };

const out = (by: Route): Route => ({ DestinationCidrBlock: '0.0.0.0/0', State: 'active', ...by });
const INTERNET = out({ GatewayId: 'igw-1' });
const NAT = out({ NatGatewayId: 'nat-1' });
const ENDPOINT: Route = { DestinationPrefixListId: 'pl-1', GatewayId: 'vpce-1', State: 'active' };
const LOCAL: Route = { DestinationCidrBlock: '10.0.0.0/16', GatewayId: 'local', State: 'active' };

/** The main route table; with ids, that of these subnets. */
const table = (id: string, routes: Route[], ...subnets: string[]): RouteTable => ({
  RouteTableId: id,
  Routes: [LOCAL, ...routes],
  Associations:
    subnets.length > 0 ? subnets.map((SubnetId) => ({ SubnetId, Main: false })) : [{ Main: true }],
});

/** What is said of the subnets A and B. */
function checks(subnets: Subnet[], tables: RouteTable[]) {
  ec2.on(DescribeSubnetsCommand).resolves({ Subnets: subnets });
  ec2.on(DescribeRouteTablesCommand).resolves({ RouteTables: tables });
  return vpcChecks({ vpcId: VPC, subnetIds: [A, B] }, PLACE);
}

const NETWORKS: ReadonlyArray<
  readonly [
    what: string,
    subnets: Subnet[],
    tables: RouteTable[],
    ofA: readonly [verdict: string, words: RegExp, fix?: RegExp],
  ]
> = [
  [
    'public, with addresses',
    [subnet(A, PUBLIC), subnet(B, PUBLIC)],
    [table('rtb-main', [INTERNET])],
    ['good', /by public addresses/],
  ],
  [
    'private, behind NAT and with an endpoint',
    [subnet(A), subnet(B)],
    [table('rtb-main', [NAT, ENDPOINT])],
    ['good', /gateway endpoint/],
  ],
  [
    'private, all of it behind NAT',
    [subnet(A), subnet(B)],
    [table('rtb-main', [NAT])],
    ['note', /passes nat-1, and NAT bills/, /com\.amazonaws\.eu-central-1\.s3 --route-table-ids rtb-main$/],
  ],
  [
    'public, without addresses',
    [subnet(A), subnet(B)],
    [table('rtb-main', [INTERNET])],
    ['stop', /assigns no public addresses/, /modify-subnet-attribute --subnet-id subnet-0a+ --map-public-ip/],
  ],
  [
    'isolated',
    [subnet(A), subnet(B)],
    [table('rtb-main', [ENDPOINT])],
    ['stop', /no route to 0\.0\.0\.0\/0/, /create-route --route-table-id rtb-main/],
  ],
  [
    'behind a NAT gateway that is gone',
    [subnet(A), subnet(B)],
    [table('rtb-main', [{ ...NAT, State: 'blackhole' }])],
    ['stop', /no route to/, /create-route/],
  ],
  [
    'with a route table of its own, whatever the main one says',
    [subnet(A), subnet(B)],
    [table('rtb-main', [INTERNET]), table('rtb-a', [NAT, ENDPOINT], A)],
    ['good', /gateway endpoint/],
  ],
  [
    'not there',
    [subnet(B)],
    [table('rtb-main', [NAT])],
    ['stop', /is no subnet of this region/, /describe-subnets/],
  ],
  [
    'of another VPC',
    [subnet(A, { VpcId: 'vpc-2' }), subnet(B)],
    [table('rtb-main', [NAT])],
    ['stop', /is in vpc-2, not in vpc-0123456789abcdef0/, /describe-subnets/],
  ],
  [
    'shared by another account',
    [subnet(A, { OwnerId: '999999999999' }), subnet(B)],
    [table('rtb-main', [NAT])],
    ['stop', /is shared by 999999999999/, /describe-subnets/],
  ],
];

test.each(NETWORKS)('a subnet that is %s', async (_, subnets, tables, [verdict, words, fix]) => {
  const [ofA] = await checks(subnets, tables);
  expect(ofA).toEqual({
    verdict,
    sentence: expect.stringMatching(words),
    ...(fix && { fix: expect.stringMatching(fix) }),
  });
  expect(ofA?.sentence).toContain(A);
});

test('of two subnets in one zone, the second must go', async () => {
  const both = await checks(
    [subnet(A, PUBLIC), subnet(B, { ...PUBLIC, AvailabilityZone: 'eu-central-1a' })],
    [table('rtb-main', [INTERNET])],
  );
  expect(both.map(({ verdict }) => verdict)).toEqual(['good', 'stop']);
  expect(both[1]?.sentence).toBe(`${B} and ${A} are both in eu-central-1a; EC2 takes one a zone`);
});

test('route tables are read to the last page', async () => {
  ec2.on(DescribeSubnetsCommand).resolves({ Subnets: [subnet(A), subnet(B)] });
  ec2
    .on(DescribeRouteTablesCommand)
    .resolvesOnce({ RouteTables: [table('rtb-main', [])], NextToken: 'more' })
    .resolves({ RouteTables: [table('rtb-a', [NAT, ENDPOINT], A, B)] });
  const both = await vpcChecks({ vpcId: VPC, subnetIds: [A, B] }, PLACE);
  expect(both.map(({ verdict }) => verdict)).toEqual(['good', 'good']);
});

test('what may not be looked at is a note without AWS’s own words', async () => {
  ec2
    .on(DescribeSubnetsCommand)
    .rejects(Object.assign(new Error('words of AWS'), { name: 'UnauthorizedOperation' }));
  const both = await vpcChecks({ vpcId: VPC, subnetIds: [A, B] }, PLACE);
  expect(both).toEqual(
    [A, B].map((id) => ({
      verdict: 'note',
      sentence: `The subnet ${id} could not be looked at: AWS answered UnauthorizedOperation`,
    })),
  );
});
