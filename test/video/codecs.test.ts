/** Rungs in H.264, HEVC and AV1: what one ffmpeg run makes of one chunk. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { checkStream } from '../../check/check.ts';
import { readInit } from '../../check/init.ts';
import { serveFile } from '../../cli/file-server.ts';
import { pictureCodec } from '../../video/codec-strings.ts';
import { chunkArguments } from '../../video/ffmpeg-arguments.ts';
import { readFragments } from '../../video/fmp4.ts';
import { chooseRungs } from '../../video/ladder.ts';
import { type Plan, planSchema } from '../../video/plan.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { checkedTree, MASTER, treeReader, urlOf } from '../support/checked-tree.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';
import { tinyPlan } from '../support/tiny-video.ts';

const exec = promisify(execFile);

let folder: string;
let source: Awaited<ReturnType<typeof serveFile>>;
let plan: Plan;
let first: Buffer[];

/** A chunk from the middle of the source, a buffer a rung. */
async function encode(name: string): Promise<Buffer[]> {
  const outputs = plan.rungs.map((rung) => join(folder, `${name}-${rung.name}.mp4`));
  await exec('ffmpeg', chunkArguments(plan, { from: 100, to: 200 }, source.url, outputs));
  return Promise.all(outputs.map((output) => readFile(output)));
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-codecs-'));
  const file = join(folder, 'source.mp4');
  const restless = `${numberedPicture('25', 9)},noise=alls=20:allf=t`;
  await ffmpeg('-f', 'lavfi', '-i', restless, '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', file);
  source = await serveFile(file);
  const settings = encodeSettingsSchema.parse({ codecs: ['h264', 'hevc', 'av1'] });
  const rungs = chooseRungs({ width: 448, height: 270 }, settings);
  plan = planSchema.parse({ ...tinyPlan('r'), rungs });
  first = await encode('first');
});
afterAll(async () => {
  source.close();
  await rm(folder, { recursive: true, force: true });
});

test('two runs at once give the bytes of one alone', async () => {
  const both = await Promise.all([encode('second'), encode('third')]);
  for (const again of both)
    expect(again.map((bytes, rung) => bytes.equals(first[rung] ?? Buffer.of()))).toEqual(
      first.map(() => true),
    );
});

test.each([
  ['270p', 'avc1', /^avc1\.6400[0-9a-f]{2}$/],
  ['hevc-270p', 'hvc1', /^hvc1\.1\.6\.L\d+\.90$/],
  ['av1-270p', 'av01', /^av01\.0\.\d\dM\.08$/],
])('%s: CODECS is what the checker reads, the sample entry is %s', (name, entry, codecs) => {
  const data = first[plan.rungs.findIndex((rung) => rung.name === name)];
  if (!data) throw new Error(`there is no ${name}`);
  const init = data.subarray(0, readFragments(data).initLength);
  const [track] = readInit(init).tracks;
  expect(track?.entry).toBe(entry);
  expect(pictureCodec(init)).toMatch(codecs);
  expect(pictureCodec(init)).toBe(track?.text);
});

test('every codec stays below the cap of its rung', () => {
  for (const [index, { maxKbps }] of plan.rungs.entries()) {
    const kbps = (8 * (first[index]?.length ?? 0)) / 4 / 1000;
    expect(kbps).toBeLessThan(maxKbps * 1.5);
  }
});

test('a stream in every codec breaks no rule; H.264 is listed first, one codec after the other', async () => {
  const settings = encodeSettingsSchema.parse({
    codecs: ['h264', 'hevc', 'av1'],
    rungs: [
      { height: 180, crf: 23, maxKbps: 400 },
      { height: 90, crf: 33, maxKbps: 100 },
    ],
  });
  const tree = await checkedTree(chooseRungs({ width: 448, height: 270 }, settings));
  const { findings, unchecked } = await checkStream(treeReader(tree), urlOf(MASTER));
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(unchecked).toEqual([]);
  const listed = `${tree.get(MASTER)}`.matchAll(/STREAM-INF:BANDWIDTH=.*CODECS="([a-z0-9]{4})/g);
  const families = [...listed].map(([, family]) => family);
  expect(families.slice(0, families.length / 2)).toEqual(['avc1', 'avc1', 'hvc1', 'hvc1', 'av01', 'av01']);
});
