/** What a worker takes its machine to cost. */
import { DescribeSpotPriceHistoryCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { besideComputing, LIST_PRICES } from '../../video/prices.ts';
import { machinePrice } from '../../worker-scripts/price.ts';
import { captureLog } from '../support/log-lines.ts';

const ec2 = mockClient(EC2Client);
/** What a machine of four vCPUs pays beside its computing, for each. */
const BESIDE = besideComputing(LIST_PRICES, 20) / 4;

const priceOn = (documents: Readonly<Record<string, string>> | undefined) =>
  machinePrice(
    {
      metadata: {
        async read(path) {
          if (!documents) throw new Error('no metadata here');
          return documents[path];
        },
      },
      ec2: new EC2Client({ region: 'us-east-1' }),
      vcpus: 4,
      diskGigabytes: 20,
    },
    LIST_PRICES,
  );

const SPOT = {
  'instance-type': 'c7g.xlarge',
  'instance-life-cycle': 'spot',
  'placement/availability-zone': 'us-east-1b',
};

beforeEach(() => {
  ec2.reset();
  captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

test('is what its type costs on spot in its zone now, with address and disk, shared by its vCPUs', async () => {
  const history = [{ InstanceType: 'c7g.xlarge' as const, SpotPrice: '0.056000' }];
  ec2.on(DescribeSpotPriceHistoryCommand).resolves({ SpotPriceHistory: history });
  expect(await priceOn(SPOT)).toEqual({ usdPerVcpuHour: expect.closeTo(0.014 + BESIDE, 10), from: 'spot' });
  expect(ec2.commandCalls(DescribeSpotPriceHistoryCommand)[0]?.args[0].input).toMatchObject({
    InstanceTypes: ['c7g.xlarge'],
    ProductDescriptions: ['Linux/UNIX'],
    AvailabilityZone: 'us-east-1b',
  });
});

const BY_THE_LIST = { usdPerVcpuHour: LIST_PRICES.vcpuHour + BESIDE, from: 'list' };
test.each([
  ['on demand', { ...SPOT, 'instance-life-cycle': 'on-demand' }],
  ['whose type is not told', { 'instance-life-cycle': 'spot' }],
  ['without metadata', undefined],
])("of a machine %s is the list's, and EC2 is not asked", async (_, documents) => {
  expect(await priceOn(documents)).toEqual(BY_THE_LIST);
  expect(ec2.commandCalls(DescribeSpotPriceHistoryCommand)).toEqual([]);
});

test.each([
  ['refuses to tell', () => ec2.on(DescribeSpotPriceHistoryCommand).rejects(new Error('no'))],
  ['knows none', () => ec2.on(DescribeSpotPriceHistoryCommand).resolves({ SpotPriceHistory: [] })],
])("is the list's where EC2 %s", async (_, answer) => {
  answer();
  expect(await priceOn(SPOT)).toEqual(BY_THE_LIST);
});
