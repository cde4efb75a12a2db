/** The spot notice: found wherever it appears, whatever the metadata service does meanwhile. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { type Metadata, startMetadata } from '../../local/ec2/metadata.ts';
import { InstanceMetadata } from '../../worker-scripts/metadata.ts';
import { watchForNotice } from '../../worker-scripts/spot-notice.ts';
import { captureLog } from '../support/log-lines.ts';

const POLL_MS = 1;
let service: Metadata;
let metadata: InstanceMetadata;
let logged: ReturnType<typeof captureLog>;

beforeEach(async () => {
  service = await startMetadata({
    instanceId: 'i-1',
    instanceType: 'c7g.large',
    lifecycle: 'spot',
    region: 'eu-test-1',
    availabilityZone: 'eu-test-1a',
    launchTime: new Date(),
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret', sessionToken: 'session' },
  });
  metadata = new InstanceMetadata(service.url);
  logged = captureLog();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await service.close();
});

describe('instance metadata', () => {
  test('is read with a token, which is asked for once', async () => {
    const fetches = jest.spyOn(globalThis, 'fetch');
    expect(await metadata.read('instance-id')).toBe('i-1');
    expect(await metadata.read('instance-type')).toBe('c7g.large');
    expect(fetches.mock.calls.map(([url]) => String(url).replace(service.url, ''))).toEqual([
      '/latest/api/token',
      '/latest/meta-data/instance-id',
      '/latest/meta-data/instance-type',
    ]);
  });

  test('gets a new token before the old one is over', async () => {
    const start = Date.now();
    expect(await metadata.read('instance-id')).toBe('i-1');
    const fetches = jest.spyOn(globalThis, 'fetch');
    jest.spyOn(Date, 'now').mockReturnValue(start + 4 * 3600 * 1000);
    expect(await metadata.read('instance-id')).toBe('i-1');
    expect(fetches.mock.calls.map(([, init]) => init?.method ?? 'GET')).toEqual(['PUT', 'GET']);
  });

  test('that refuses a token gives a new one with the next read', async () => {
    await metadata.read('instance-id');
    const fetches = jest.spyOn(globalThis, 'fetch').mockResolvedValueOnce(new Response('', { status: 401 }));
    await expect(metadata.read('instance-id')).rejects.toThrow('401');
    expect(await metadata.read('instance-id')).toBe('i-1');
    expect(fetches.mock.calls.map(([, init]) => init?.method ?? 'GET')).toEqual(['GET', 'PUT', 'GET']);
  });

  test('that is not there is undefined', async () => {
    expect(await metadata.read('spot/instance-action')).toBeUndefined();
  });
});

describe('the watch', () => {
  test('ends with the notice', async () => {
    const watch = watchForNotice(metadata, new AbortController().signal, POLL_MS);
    service.announceInterruption(new Date('2030-01-02T03:06:05Z'));
    expect(JSON.parse((await watch) ?? '')).toEqual({ action: 'terminate', time: '2030-01-02T03:06:05Z' });
  });

  test('ends without one when it is told to', async () => {
    const stopped = new AbortController();
    const watch = watchForNotice(metadata, stopped.signal);
    stopped.abort();
    expect(await watch).toBeUndefined();
  });

  /** Answers as a script says, the notice last. */
  const scripted = (...answers: Array<string | undefined | Error>) => ({
    read: async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });

  test('bears errors, and logs one line of them', async () => {
    const errors = [new Error('timed out'), new Error('timed out'), new Error('timed out')];
    const notice = await watchForNotice(scripted(...errors, 'go'), new AbortController().signal, POLL_MS);
    expect(notice).toBe('go');
    expect(logged()).toMatchObject([
      { level: 'warn', event: 'metadata-unreadable', error: 'Error: timed out' },
    ]);
  });

  test('logs a recommendation to rebalance once, and goes on', async () => {
    const rounds = [undefined, 'soon', undefined, 'soon', 'go'];
    const notice = await watchForNotice(scripted(...rounds), new AbortController().signal, POLL_MS);
    expect(notice).toBe('go');
    expect(logged()).toMatchObject([{ event: 'rebalance-recommended', recommendation: 'soon' }]);
  });
});
