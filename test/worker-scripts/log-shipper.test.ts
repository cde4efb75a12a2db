/** A worker's lines reach CloudWatch Logs, whatever becomes of single calls. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { listen } from '../../local/aws/http.ts';
import { startLogs } from '../../local/logs.ts';
import { type CallLogs, LogsError, openLogs } from '../../worker-scripts/cloudwatch-logs.ts';
import { LogShipper } from '../../worker-scripts/log-shipper.ts';

const aws = new S3Client({
  region: 'eu-test-1',
  credentials: { accessKeyId: 'AKIATEST', secretAccessKey: 'secret', sessionToken: 'token' },
});
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** The laptop's CloudWatch Logs, and what it has of a stream. */
async function startCloud() {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-logs-'));
  ends.push(() => rm(folder, { recursive: true }));
  const cloud = await startLogs({ port: 0, region: 'eu-test-1', folder, group: 'workers' });
  ends.push(() => cloud.close());
  return { url: cloud.url, stream: (name: string) => readFile(join(folder, `${name}.log`), 'utf8') };
}

/** Never by itself: the tests say when. */
const NEVER_MS = 2 ** 30;
/** The lines of a call. */
const linesOf = (input: object) =>
  // Of our own input to our own fakes.
  (input as { logEvents: { message: string }[] }).logEvents.map(({ message }) => message);
const ship = (call: CallLogs, stream = 'i-1') => new LogShipper(call, 'workers', stream, NEVER_MS);

test('lines arrive in their order, also of a stream that is there already, and of more than one call takes', async () => {
  const { url, stream } = await startCloud();
  const first = ship(openLogs(url, aws));
  first.add('{"n":1}');
  await first.close();
  const second = ship(openLogs(url, aws));
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
  const { url, stream } = await startCloud();
  const call = jest.fn(openLogs(url, aws));
  const shipper = ship(call);
  const clock = jest.spyOn(Date, 'now');
  for (const time of [2_000, 1_000, 3_000]) {
    clock.mockReturnValueOnce(time);
    shipper.add(`at ${time}`);
  }
  clock.mockRestore();
  await shipper.close();
  expect(await stream('i-1')).toBe('at 2000\nat 1000\nat 3000\n');
  expect(call.mock.calls.map(([action]) => action)).toEqual(['CreateLogStream', 'PutLogEvents']);
});

test('who writes nothing makes no stream', async () => {
  const calls: string[] = [];
  await ship(async (action) => void calls.push(action)).close();
  expect(calls).toEqual([]);
});

describe('a call that fails', () => {
  /** A cloud that refuses so many calls in this way. */
  function refusing(times: number, error: Error) {
    let left = times;
    const events: string[] = [];
    const call: CallLogs = async (action, input) => {
      if (action === 'CreateLogStream') return;
      if (left-- > 0) throw error;
      events.push(...linesOf(input));
    };
    return { call, events };
  }

  test.each([
    ['by the service', new LogsError('ThrottlingException', 'slower')],
    ['on the way', new TypeError('fetch failed')],
  ])('%s is made again with the next lines, and fails nobody', async (_, error) => {
    const { call, events } = refusing(1, error);
    const shipper = new LogShipper(call, 'workers', 'i-1', 1);
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
    const call: CallLogs = async (action, input) => {
      if (action === 'CreateLogStream') return;
      if (events.length === 0) {
        begun.resolve();
        await outage.promise;
      }
      events.push(...linesOf(input));
    };
    const shipper = new LogShipper(call, 'workers', 'i-1', 1);
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
    const call: CallLogs = async (action, input) => {
      if (action === 'CreateLogStream') return;
      calls += 1;
      const messages = (input as { logEvents: { message: string }[] }).logEvents.map(
        ({ message }) => message,
      );
      if (messages.includes(`${bad}`)) throw new LogsError('InvalidParameterException', 'bad');
      events.push(...messages);
    };
    const shipper = ship(call);
    const lines = Array.from({ length: 10_000 }, (_, n) => `${n}`);
    for (const line of lines) shipper.add(line);
    await shipper.close();
    expect(events).toEqual(lines.filter((line) => line !== `${bad}`));
    expect(calls).toBeLessThan(60);
  });

  test('at the end is not waited for', async () => {
    const { call, events } = refusing(Number.POSITIVE_INFINITY, new TypeError('fetch failed'));
    const shipper = ship(call);
    shipper.add('a');
    await shipper.close();
    expect(events).toEqual([]);
  });
});

test('a refusal has the service’s name for it', async () => {
  const { url } = await startCloud();
  const call = openLogs(url, aws);
  const names = { logGroupName: 'workers', logStreamName: 'i-2' };
  await call('CreateLogStream', names);
  await expect(call('CreateLogStream', names)).rejects.toMatchObject({
    type: 'ResourceAlreadyExistsException',
  });
  const event = (timestamp: number) => ({ timestamp, message: 'x' });
  await expect(call('PutLogEvents', { ...names, logEvents: [event(2), event(1)] })).rejects.toMatchObject({
    type: 'InvalidParameterException',
  });
});

test('calls are signed for the service and the region, with the role’s token', async () => {
  const seen: { readonly authorization: string; readonly token: string }[] = [];
  const server = await listen(0, (request, response) => {
    seen.push({
      authorization: request.headers.authorization ?? '',
      token: String(request.headers['x-amz-security-token']),
    });
    response.end('{}');
  });
  ends.push(() => server.close());
  await openLogs(server.url, aws)('CreateLogStream', {});
  expect(seen).toMatchObject([
    {
      authorization: expect.stringMatching(/Credential=AKIATEST\/\d{8}\/eu-test-1\/logs\/aws4_request/),
      token: 'token',
    },
  ]);
  expect(seen[0]?.authorization).toMatch(/SignedHeaders=[^,]*content-type;host;x-amz-/);
});
