/** Log lines: what they carry, and metrics in them. */
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { aboutKey, aboutMessage } from '../../jobs/about.ts';
import { invocations } from '../../jobs/invocation.ts';
import { log, logAlways, onLogLine, withLogFields } from '../../jobs/log.ts';
import { logMetrics, METRICS, type MetricName } from '../../jobs/metrics.ts';
import { newVideoId, revisionOf, sourceKey, videoIdOf } from '../../jobs/names.ts';
import { emittedBy, valuesOf } from '../support/emitted.ts';
import { lambdaContext } from '../support/lambda.ts';
import { captureLog } from '../support/log-lines.ts';

let logged: ReturnType<typeof captureLog>;
beforeEach(() => {
  logged = captureLog();
});
afterEach(() => {
  jest.restoreAllMocks();
});

test('a line carries what its process is and what the work belongs to, and its own words count most', async () => {
  logAlways({ platform: 'demo' });
  await withLogFields({ video: 'a', requestId: 'r' }, async () => {
    await Promise.resolve();
    withLogFields({ video: 'b' }, () => log('info', 'inner', { tries: 2 }));
    log('info', 'outer', { requestId: 'own' });
  });
  log('info', 'after');
  expect(logged()).toEqual([
    expect.objectContaining({ event: 'inner', platform: 'demo', video: 'b', requestId: 'r', tries: 2 }),
    expect.objectContaining({ event: 'outer', platform: 'demo', video: 'a', requestId: 'own' }),
    expect.not.objectContaining({ video: expect.anything() }),
  ]);
});

test('works that run beside each other do not get each other’s fields', async () => {
  const work = (video: string) =>
    withLogFields({ video }, async () => {
      await new Promise(setImmediate);
      log('info', video);
    });
  await Promise.all([work('a'), work('b')]);
  expect(logged().map(({ event, video }) => [event, video])).toEqual([
    ['a', 'a'],
    ['b', 'b'],
  ]);
});

test('who listens hears each line as it is printed, until they stop', () => {
  const heard: string[] = [];
  const stop = onLogLine((line) => heard.push(line));
  log('info', 'heard');
  stop();
  log('info', 'unheard');
  expect(heard.map((line) => JSON.parse(line))).toEqual(logged().slice(0, 1));
});

const video = newVideoId();
const revision = revisionOf({ etag: 'e', size: 1 }, {});
const time = '2026-11-21T18:00:00.000Z';
const object = (key: string) => ({ bucket: 'b', key, etag: 'e', size: 1, time });
const s3Event = (key: string) => ({
  Records: [
    {
      eventName: 'ObjectCreated:Put',
      eventTime: time,
      s3: { bucket: { name: 'b' }, object: { key, size: 1, eTag: 'e' } },
    },
  ],
});
const dropped = videoIdOf({ bucket: 'b', key: 'uploads/a b.mp4', etag: 'e' });
const deletion = { id: 'evt', timestamp: time, type: 'video.deleted', data: { id: video } };

test.each<[string, unknown, object]>([
  ['a task', { kind: 'chunk', video, revision, index: 1 }, { video, revision }],
  ['a requeue', { requeue: { video, revision } }, { video, revision }],
  ['an encode of another recipe', { renew: { video, revision } }, { video, revision }],
  ['the event of an upload', s3Event(sourceKey(video)), { video }],
  ['the event of a dropped file', s3Event('uploads/a+b.mp4'), { video: dropped }],
  ['a source that no event told of', { uploaded: object(sourceKey(video)) }, { video }],
  ['the event of a plan', s3Event(`jobs/${video}/${revision}/plan.json`), { video }],
  ['the event of a master playlist', s3Event(`v/${video}/master.m3u8`), { video }],
  ['the mark of a deletion', { uploaded: object(`deleted/${video}`) }, { video }],
  ['a delivery to an endpoint', { deliver: { endpoint: '0123456789ab', event: deletion } }, { video }],
  ['the event of another object', s3Event('capacity/launches.json'), {}],
  ['the event of a key that only looks like a video’s', s3Event('jobs/none/claim.json'), {}],
  ['S3’s test event', { Event: 's3:TestEvent' }, {}],
  ['something else', [1], {}],
])('%s says which video it is about', (_, message, about) => {
  expect(aboutMessage(JSON.stringify(message))).toEqual(about);
});

test('what is no JSON, and a key of no video, are about nothing', () => {
  expect([aboutMessage('{'), aboutKey('else/where')]).toEqual([{}, {}]);
});

test('metrics travel in their line as CloudWatch wants them, also counted apart where the table says so', () => {
  logAlways({ platform: 'demo' });
  logMetrics('info', 'two', {}, { Turnaround: 12.5, CpuPerMinute: 40 });
  logMetrics('warn', 'one', { code: 'empty' }, { Failures: 1 });
  const of = (name: MetricName, value: number, dimensions = {}) => ({
    namespace: 'Spotreel',
    name,
    unit: METRICS[name].unit,
    dimensions: { platform: 'demo', ...dimensions },
    value,
  });
  expect(emittedBy(logged())).toEqual([
    of('Turnaround', 12.5),
    of('CpuPerMinute', 40),
    of('Failures', 1),
    of('Failures', 1, { code: 'empty' }),
  ]);
});

/** What calls of a function with this work are counted as. */
const errorsOf = () =>
  emittedBy(logged()).map(({ name, dimensions, value }) => [name, dimensions['function'], value]);

test('a function’s lines carry its name and request; a call that fails is counted, and fails for Lambda, too', async () => {
  const handler = invocations('demo-function', 'demo', async (fails: boolean) => {
    log('info', 'working');
    if (fails) throw new Error('no luck');
    return 'done';
  });
  expect(await handler(false, lambdaContext())).toBe('done');
  expect(errorsOf()).toEqual([]);
  await expect(handler(true, lambdaContext())).rejects.toThrow('no luck');
  const about = { platform: 'demo', function: 'demo-function', requestId: 'request-1' };
  expect(logged()).toEqual([
    expect.objectContaining({ event: 'working', ...about }),
    expect.objectContaining({ event: 'working', ...about }),
    expect.objectContaining({ event: 'function-failed', error: 'Error: no luck', ...about }),
  ]);
  expect(errorsOf()).toEqual([
    ['FunctionErrors', undefined, 1],
    ['FunctionErrors', 'demo-function', 1],
  ]);
});

test('a call that is about to run into its timeout is counted before Lambda ends it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const call = invocations('demo-function', 'demo', () => promise)({}, lambdaContext(510));
  while (logged().length === 0) await new Promise(setImmediate);
  expect(logged()).toEqual([expect.objectContaining({ event: 'function-late' })]);
  expect(errorsOf()).toHaveLength(2);
  resolve();
  await call;
});

test('a call that fails after it was counted as late is counted once', async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const call = invocations('demo-function', 'demo', () => promise)({}, lambdaContext(510));
  while (logged().length === 0) await new Promise(setImmediate);
  reject(new Error('no luck'));
  await expect(call).rejects.toThrow('no luck');
  expect(logged()).toMatchObject([{ event: 'function-late' }, { event: 'function-failed' }]);
  expect(valuesOf(logged(), 'FunctionErrors').reduce((sum, value) => sum + value, 0)).toBe(1);
});
