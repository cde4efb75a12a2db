/** Traces on their way to X-Ray, which the laptop's checks as the true one's schema demands. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutTraceSegmentsCommand, XRayClient } from '@aws-sdk/client-xray';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MOST_SPANS, segmentsOf, sendTrace } from '../../jobs/xray.ts';
import { documentSchema, startXray } from '../../local/xray/xray.ts';
import type { Span, Trace } from '../../video/trace/span.ts';
import { WAITS } from '../../video/trace/waits.ts';

const BEGIN = Date.parse('2026-11-21T12:00:00.000Z');
const iso = (seconds: number): string => new Date(BEGIN + seconds * 1000).toISOString();
const span = (number: number, length: number, more: Partial<Span> = {}): Span => ({
  ...{ id: number.toString(16).padStart(16, '0'), kind: 'work', name: 'chunk' },
  ...{ startedAt: iso(number), finishedAt: iso(number + length), attributes: { worker: 'i-1' } },
  ...more,
});
const traceOf = (...children: readonly Span[]): Trace => ({
  ...{ id: '6a01c0de000000000000000000000000', video: '0'.repeat(20), revision: 'a'.repeat(12) },
  state: 'failed',
  spans: [
    span(0, 5000, { kind: 'video', name: 'video', error: 'gave-up', attributes: { video: '0'.repeat(20) } }),
    ...children,
  ],
});
const TRACE = traceOf(
  span(1, 2),
  ...Object.values(WAITS).map((name, index) => span(10 + index, 1, { kind: 'wait', name, attributes: {} })),
);
const TRACE_ID = '1-6a01c0de-000000000000000000000000';

let dataDir: string;
let xray: Awaited<ReturnType<typeof startXray>>;
let client: XRayClient;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'spotreel-xray-'));
  xray = await startXray({ dataDir, port: 0 });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'secret' };
  client = new XRayClient({ region: 'us-east-1', endpoint: xray.url, credentials });
});
afterAll(async () => {
  client.destroy();
  await xray.close();
  await rm(dataDir, { recursive: true });
});

/** What X-Ray has of the trace, by the names of spans' files. */
async function kept() {
  const folder = join(dataDir, TRACE_ID);
  const files = (await readdir(folder)).toSorted();
  return Promise.all(
    files.map(async (file) => documentSchema.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))),
  );
}

test('a trace arrives as a segment with a subsegment for each other span, also when it is sent again', async () => {
  await sendTrace(client, 'demo', TRACE);
  const once = await kept();
  await sendTrace(client, 'demo', TRACE);
  expect(await kept()).toEqual(once);
  expect(once).toHaveLength(TRACE.spans.length);
  expect(once.slice(0, 2)).toEqual([
    {
      ...{ id: '0000000000000000', trace_id: TRACE_ID, name: 'spotreel demo' },
      ...{ start_time: BEGIN / 1000, end_time: BEGIN / 1000 + 5000, fault: true },
      cause: { exceptions: [{ id: '0000000000000000', message: 'gave-up' }] },
      annotations: { video: '0'.repeat(20), state: 'failed' },
    },
    {
      ...{ id: '0000000000000001', trace_id: TRACE_ID, name: 'chunk' },
      ...{ type: 'subsegment', parent_id: '0000000000000000' },
      ...{ start_time: BEGIN / 1000 + 1, end_time: BEGIN / 1000 + 3 },
      metadata: { spotreel: { worker: 'i-1' } },
    },
  ]);
});

test('of a long video’s thousands of spans the longest are sent, and it is said how many were not', async () => {
  const attributes = {
    ...{ task: 'chunk-01499', worker: 'i-0123456789abcdef0', attempt: 1, cpuSeconds: 1234.567 },
    ...{ renditions: '1080p 720p 540p 360p 240p 1080p-hevc 720p-hevc', videoSeconds: 24.024, speed: 0.123 },
  };
  const chunks = Array.from({ length: 1500 }, (_, index) =>
    span(index + 1, 1 + ((index * 7) % 1500), { attributes }),
  );
  const documents = segmentsOf(traceOf(...chunks), 'demo');
  expect(documents).toHaveLength(1 + MOST_SPANS);
  expect(documents[0]).toMatchObject({ annotations: { spansLeftOut: 1500 - MOST_SPANS } });
  const lengths = documents.slice(1).map(({ start_time, end_time }) => end_time - start_time);
  expect(Math.min(...lengths)).toBe(1500 - MOST_SPANS + 1);
  // What X-Ray promises to keep of a trace.
  expect(Buffer.byteLength(JSON.stringify(documents))).toBeLessThan(100_000);
  await sendTrace(client, 'demo', traceOf(...chunks));
});

describe('the laptop’s X-Ray', () => {
  const GOOD = segmentsOf(TRACE, 'demo')[0];
  test.each([
    ['that is no JSON', '{'],
    ['without a name', JSON.stringify({ ...GOOD, name: undefined })],
    ['of a name with other characters', JSON.stringify({ ...GOOD, name: 'a, b' })],
    ['of a trace id without its time', JSON.stringify({ ...GOOD, trace_id: '6a01c0de' })],
    ['that ends before it begins', JSON.stringify({ ...GOOD, end_time: 1 })],
    ['that is larger than 64 kB', JSON.stringify({ ...GOOD, metadata: { text: 'x'.repeat(65_536) } })],
    ['of a subsegment without its parent', JSON.stringify({ ...GOOD, type: 'subsegment' })],
  ])('does not take a document %s', async (_, document) => {
    const command = new PutTraceSegmentsCommand({ TraceSegmentDocuments: [document, JSON.stringify(GOOD)] });
    const { UnprocessedTraceSegments } = await client.send(command);
    expect(UnprocessedTraceSegments).toMatchObject([{ ErrorCode: 'InvalidSegment' }]);
  });

  test('tells whoever sends a trace that a span was not taken', async () => {
    const wrong = traceOf(span(1, 1, { name: 'a; b' }));
    await expect(sendTrace(client, 'demo', wrong)).rejects.toThrow('X-Ray did not take');
  });
});
