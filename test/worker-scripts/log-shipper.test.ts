/** A worker's lines reach CloudWatch Logs, whatever becomes of single calls. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  InvalidParameterException,
  PutLogEventsCommand,
  type PutLogEventsCommandInput,
  ThrottlingException,
} from '@aws-sdk/client-cloudwatch-logs';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { startLogs } from '../../local/logs.ts';
import { LogShipper } from '../../worker-scripts/log-shipper.ts';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const clientAt = (endpoint: string) =>
  new CloudWatchLogsClient({
    ...{ endpoint, region: 'eu-test-1', maxAttempts: 1 },
    credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret' },
  });

/** The laptop's CloudWatch Logs, and what it has of a stream. */
async function startCloud() {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-logs-'));
  ends.push(() => rm(folder, { recursive: true }));
  const cloud = await startLogs({ port: 0, region: 'eu-test-1', folder, group: 'workers' });
  ends.push(() => cloud.close());
  const logs = clientAt(cloud.url);
  ends.push(async () => logs.destroy());
  return { logs, stream: (name: string) => readFile(join(folder, `${name}.log`), 'utf8') };
}

/** A cloud that does with the lines of a call what it is told. */
function cloudThat(put: (lines: string[]) => Promise<void>): CloudWatchLogsClient {
  const logs = clientAt('http://127.0.0.1');
  const mock = mockClient(logs);
  mock.on(CreateLogStreamCommand).resolves({});
  mock.on(PutLogEventsCommand).callsFake(async ({ logEvents = [] }: PutLogEventsCommandInput) => {
    await put(logEvents.map(({ message = '' }) => message));
    return {};
  });
  return logs;
}

/** Never by itself: the tests say when. */
const NEVER_MS = 2 ** 30;
const ship = (logs: CloudWatchLogsClient, stream = 'i-1') =>
  new LogShipper(logs, 'workers', stream, NEVER_MS);

test('lines arrive in their order, also of a stream that is there already, and of more than one call takes', async () => {
  const { logs, stream } = await startCloud();
  const first = ship(logs);
  first.add('{"n":1}');
  await first.close();
  const second = ship(logs);
  const lines = Array.from({ length: 10_500 }, (_, n) => `{"n":${n + 2}}`);
  for (const line of lines) second.add(line);
  second.add('ü'.repeat(600_000));
  second.add('"last"');
  await second.close();
  expect((await stream('i-1')).split('\n')).toEqual([
    '{"n":1}',
    ...lines,
    'ü'.repeat((1_048_576 - 26) / 2), // as much of it as a call takes
    '"last"',
    '',
  ]);
});

test('a clock that is set back has no call refused', async () => {
  const { logs, stream } = await startCloud();
  const send = jest.spyOn(logs, 'send');
  const shipper = ship(logs);
  const clock = jest.spyOn(Date, 'now');
  for (const time of [2_000, 1_000, 3_000]) {
    clock.mockReturnValueOnce(time);
    shipper.add(`at ${time}`);
  }
  clock.mockRestore();
  await shipper.close();
  expect(await stream('i-1')).toBe('at 2000\nat 1000\nat 3000\n');
  expect(send.mock.calls.map(([command]) => command.constructor)).toEqual([
    CreateLogStreamCommand,
    PutLogEventsCommand,
  ]);
});

test('who writes nothing makes no stream', async () => {
  const logs = clientAt('http://127.0.0.1');
  const send = jest.spyOn(logs, 'send');
  await ship(logs).close();
  expect(send).not.toHaveBeenCalled();
});

describe('a call that fails', () => {
  /** A cloud that refuses so many calls in this way. */
  function refusing(times: number, error: Error) {
    let left = times;
    const events: string[] = [];
    const logs = cloudThat(async (lines) => {
      if (left-- > 0) throw error;
      events.push(...lines);
    });
    return { logs, events };
  }

  test.each([
    ['by the service', new ThrottlingException({ message: 'slower', $metadata: {} })],
    ['on the way', new TypeError('connection refused')],
  ])('%s is made again with the next lines, and fails nobody', async (_, error) => {
    const { logs, events } = refusing(1, error);
    const shipper = new LogShipper(logs, 'workers', 'i-1', 1);
    shipper.add('a');
    while (events.length === 0) await turn();
    shipper.add('b');
    await shipper.close();
    expect(events).toEqual(['a', 'b']);
  });

  test('while the outage lasts, the oldest lines are lost and no others, whenever they come', async () => {
    const events: string[] = [];
    const outage = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const logs = cloudThat(async (lines) => {
      if (events.length === 0) {
        begun.resolve();
        await outage.promise;
      }
      events.push(...lines);
    });
    const shipper = new LogShipper(logs, 'workers', 'i-1', 1);
    shipper.add('in flight');
    await begun.promise;
    const lines = Array.from({ length: 20_001 }, (_, n) => String(n));
    for (const line of lines) shipper.add(line);
    outage.resolve();
    await shipper.close();
    expect(events).toEqual(['in flight', ...lines.slice(1)]);
  });

  test.each([0, 1, 4711, 9999])('for line %i of ten thousand loses that line alone', async (bad) => {
    const events: string[] = [];
    let calls = 0;
    const logs = cloudThat(async (lines) => {
      calls += 1;
      if (lines.includes(`${bad}`)) throw new InvalidParameterException({ message: 'bad', $metadata: {} });
      events.push(...lines);
    });
    const shipper = ship(logs);
    const lines = Array.from({ length: 10_000 }, (_, n) => `${n}`);
    for (const line of lines) shipper.add(line);
    await shipper.close();
    expect(events).toEqual(lines.filter((line) => line !== `${bad}`));
    expect(calls).toBeLessThan(60);
  });

  test('at the end is not waited for', async () => {
    const { logs, events } = refusing(Number.POSITIVE_INFINITY, new TypeError('connection refused'));
    const shipper = ship(logs);
    shipper.add('a');
    await shipper.close();
    expect(events).toEqual([]);
  });
});

test('what the service refuses for one call, being more than a day apart, comes in two', async () => {
  const { logs, stream } = await startCloud();
  const shipper = ship(logs);
  const clock = jest.spyOn(Date, 'now');
  // No batch may span more than a day.
  for (const [time, line] of [
    [1_000, 'a'],
    [2_000, 'b'],
    [90_000_000, 'c'],
  ] as const) {
    clock.mockReturnValueOnce(time);
    shipper.add(line);
  }
  clock.mockRestore();
  await shipper.close();
  expect(await stream('i-1')).toBe('a\nb\nc\n');
});
