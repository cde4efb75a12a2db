/** The instance metadata service: version 2 only, and what it tells. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Metadata, startMetadata } from '../../local/ec2/metadata.ts';
import { InstanceMetadata } from '../../worker-scripts/metadata.ts';

let metadata: Metadata;

beforeEach(async () => {
  metadata = await startMetadata({
    instanceId: 'i-1',
    instanceType: 'c7g.large',
    lifecycle: 'spot',
    region: 'eu-test-1',
    availabilityZone: 'eu-test-1a',
    launchTime: new Date('2030-01-02T03:04:05.678Z'),
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'session' },
  });
});
afterEach(() => metadata.close());

const issue = (headers: Record<string, string>) =>
  fetch(`${metadata.url}/latest/api/token`, { method: 'PUT', headers });

async function read(path: string): Promise<{ status: number; text: string }> {
  const token = await (await issue({ 'x-aws-ec2-metadata-token-ttl-seconds': '60' })).text();
  const headers = { 'x-aws-ec2-metadata-token': token };
  const response = await fetch(`${metadata.url}/latest/${path}`, { headers });
  return { status: response.status, text: await response.text() };
}

describe('a token', () => {
  test.each([
    ['without a time to live', {}, 400],
    ['for no time', { 'x-aws-ec2-metadata-token-ttl-seconds': '0' }, 400],
    ['for over six hours', { 'x-aws-ec2-metadata-token-ttl-seconds': '21601' }, 400],
    ['through a proxy', { 'x-aws-ec2-metadata-token-ttl-seconds': '60', 'x-forwarded-for': '10.0.0.1' }, 403],
    ['for six hours', { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' }, 200],
  ])('asked for %s: %j answers %i', async (_, headers: Record<string, string>, status) => {
    expect((await issue(headers)).status).toBe(status);
  });

  test.each([
    ['no token', {}],
    ['another token', { 'x-aws-ec2-metadata-token': 'forged' }],
  ])('%s reads nothing', async (_, headers: Record<string, string>) => {
    expect((await fetch(`${metadata.url}/latest/meta-data/instance-id`, { headers })).status).toBe(401);
  });

  test('reads nothing any more when its time is over', async () => {
    const token = await (await issue({ 'x-aws-ec2-metadata-token-ttl-seconds': '60' })).text();
    const clock = Date.now;
    try {
      Date.now = () => clock() + 61_000;
      const headers = { 'x-aws-ec2-metadata-token': token };
      expect((await fetch(`${metadata.url}/latest/meta-data/instance-id`, { headers })).status).toBe(401);
    } finally {
      Date.now = clock;
    }
  });
});

describe('the service', () => {
  test.each([
    ['meta-data/instance-id', 'i-1'],
    ['meta-data/instance-type', 'c7g.large'],
    ['meta-data/instance-life-cycle', 'spot'],
    ['meta-data/placement/region', 'eu-test-1'],
    ['meta-data/placement/availability-zone', 'eu-test-1a'],
    ['meta-data/iam/security-credentials/', 'spotreel-worker'],
  ])('tells %s', async (path, text) => {
    expect(await read(path)).toEqual({ status: 200, text });
  });

  test('identifies the instance', async () => {
    expect(JSON.parse((await read('dynamic/instance-identity/document')).text)).toMatchObject({
      instanceId: 'i-1',
      instanceType: 'c7g.large',
      region: 'eu-test-1',
      availabilityZone: 'eu-test-1a',
      pendingTime: '2030-01-02T03:04:05Z',
    });
  });

  test('tells a worker when its machine was launched', async () => {
    expect(await new InstanceMetadata(metadata.url).launchedAt()).toBe('2030-01-02T03:04:05Z');
  });

  test.each([
    'meta-data/spot/instance-action',
    'meta-data/events/recommendations/rebalance',
    'meta-data/nothing',
  ])('has no %s', async (path) => {
    expect((await read(path)).status).toBe(404);
  });

  test('tells of an interruption once it is announced', async () => {
    metadata.announceInterruption(new Date('2030-01-02T03:06:05.678Z'));
    expect(JSON.parse((await read('meta-data/spot/instance-action')).text)).toEqual({
      action: 'terminate',
      time: '2030-01-02T03:06:05Z',
    });
    expect(JSON.parse((await read('meta-data/events/recommendations/rebalance')).text)).toEqual({
      noticeTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  test('is read only', async () => {
    expect((await fetch(`${metadata.url}/latest/meta-data/instance-id`, { method: 'POST' })).status).toBe(
      405,
    );
  });
});
