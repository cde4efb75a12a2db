/** What the platform's own log says: every line of every process, after a few videos. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { METRICS, NAMESPACE } from '../../jobs/metrics.ts';
import { newVideoId } from '../../jobs/names.ts';
import { type Emitted, emittedBy } from '../support/emitted.ts';
import { ffmpeg } from '../support/media.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

type Line = Readonly<Record<string, unknown>>;

const spotreel = useSpotreel();
const uploaded = newVideoId();
let videos: readonly string[];

/** Every line of the logs in a folder, by the file's name. Throws where one is no JSON. */
async function linesIn(name: string): Promise<ReadonlyMap<string, Line[]>> {
  const folder = join(spotreel.path('data'), name);
  const files = (await readdir(folder)).map(async (name) => {
    const text = await readFile(join(folder, name), 'utf8');
    const lines = text.split('\n').filter((line) => line !== '');
    return [name, lines.map((line): Line => JSON.parse(line))] as const;
  });
  return new Map(await Promise.all(files));
}
/** What functions and workers print. */
const linesByFile = () => linesIn('logs');
const allLines = async () => [...(await linesByFile()).values()].flat();

/** What CloudWatch gets to see of that: the functions' lines, and those that workers sent. */
async function seenLines(): Promise<Line[]> {
  const printed = [...(await linesByFile())].filter(([file]) => !file.startsWith('i-'));
  return [...printed, ...(await linesIn('worker-logs'))].flatMap(([, lines]) => lines);
}

beforeAll(async () => {
  const clip = spotreel.path('clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=4', clip);
  await spotreel.uploadAs(uploaded, clip);
  const dropped = await spotreel.upload('dropped.mp4', await readFile(clip));
  const broken = await spotreel.upload('broken.mp4', Buffer.from('This is not a video.\n'));
  expect(await Promise.all([uploaded, dropped, broken].map((id) => spotreel.ended(id)))).toEqual([
    'ready',
    'ready',
    expect.stringMatching(/^failed, not-a-video/),
  ]);
  videos = [uploaded, dropped, broken];
  await fetch(`${spotreel.url}/api/videos/${dropped}`, { method: 'DELETE' });
});

test('what a worker prints reaches CloudWatch, in a stream of its own, in its order', async () => {
  const printed = [...(await linesByFile())].filter(([file]) => file.startsWith('i-'));
  expect(printed).toHaveLength(1);
  const sent = async () => [...(await linesIn('worker-logs'))].filter(([, lines]) => lines.length > 0);
  while ((await sent())[0]?.[1].length !== printed[0]?.[1].length) await sleep(250);
  expect(await sent()).toEqual(printed);
});

test('a line that has to do with a video carries its id, whoever writes it', async () => {
  const lines = await allLines();
  const about = (id: string) => lines.filter((line) => JSON.stringify(line).includes(id));
  for (const id of videos) {
    expect(about(id).length).toBeGreaterThan(3);
    expect(about(id).filter(({ video }) => video !== id)).toEqual([]);
  }
});

test('a line says which deployment wrote it, and which machine, or which function for which request', async () => {
  for (const [file, lines] of await linesByFile())
    for (const line of lines)
      expect(line).toMatchObject({
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        level: expect.stringMatching(/^(info|warn|error)$/),
        event: expect.stringMatching(/^[a-z]+(-[a-z]+)*$/),
        platform: 'local',
        ...(file.startsWith('i-')
          ? { worker: file.replace('.log', '') }
          : { function: file.replace('.log', ''), requestId: expect.stringMatching(/./) }),
      });
});

test('the page of metrics shows what the lines say', async () => {
  const answer = await fetch(`${spotreel.url}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const page = await answer.text();
  for (const [name, { meaning }] of Object.entries(METRICS)) {
    expect(page).toContain(`<th>${name}</th>`);
    expect(page).toContain(`<td>${meaning.replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</td>`);
  }
  expect(page).toContain('<th>Failures: not-a-video</th><td>1</td><td>1</td><td>1</td><td>Sum</td>');
  expect(page).toMatch(/<th>Turnaround<\/th>(<td>[\d.]+<\/td>){3}<td>Average, seconds<\/td>/);
  // Nothing was measured, which is not nought.
  expect(page).toContain('<th>Interruptions</th><td>–</td>');
  expect(page).toMatch(/<th>tasks<\/th><td>\d+<\/td>/);
});

test('a video that was encoded is measured, one that failed is counted by its code', async () => {
  const emitted = emittedBy(await seenLines());
  for (const metric of emitted)
    expect(metric).toMatchObject({ namespace: NAMESPACE, dimensions: { platform: 'local' } });
  const valuesOf = (wanted: Partial<Emitted>) =>
    emitted.flatMap((metric) => {
      const { value, ...about } = metric;
      return JSON.stringify({ ...about, ...wanted }) === JSON.stringify(about) ? [value] : [];
    });
  const plain = { namespace: NAMESPACE, dimensions: { platform: 'local' } };
  for (const name of ['Turnaround', 'CpuPerMinute', 'CostPerMinute', 'EncodeSpeed'] as const) {
    const values = valuesOf({ ...plain, name, unit: METRICS[name].unit });
    expect(values).toHaveLength(2); // each clip is one chunk
    for (const value of values) expect(value).toBeGreaterThan(0);
  }
  const failures = { ...plain, name: 'Failures', unit: 'Count' };
  expect(valuesOf(failures)).toEqual([1]);
  expect(valuesOf({ ...failures, dimensions: { platform: 'local', code: 'not-a-video' } })).toEqual([1]);
});
