import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serveFile } from '../../cli/file-server.ts';
import { chunkArguments } from '../../video/ffmpeg-arguments.ts';
import { fieldOrderOf } from '../../video/interlace.ts';
import type { Chunk, Plan } from '../../video/plan.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { corpusFile, testWithCorpus } from '../support/corpus.ts';
import { OWN_SIZE, planFile } from '../support/encode.ts';
import { ffmpeg } from '../support/media.ts';

const exec = promisify(execFile);
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-fields-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** 50 pictures a second of a moving pattern, as 25 frames of two fields. */
const fields = (order: 'tff' | 'bff', seconds: number) =>
  `testsrc2=size=320x576:rate=50:duration=${seconds},format=yuv420p,interlace=scan=${order}:lowpass=off`;
/** Soft, as what a lens sees: the pattern's lines of one pixel look like combing. */
const PROGRESSIVE = 'testsrc2=size=320x576:rate=25:duration=2,format=yuv420p,gblur=sigma=3';
const MPEG2 = ['-c:v', 'mpeg2video', '-q:v', '2', '-flags', '+ildct+ilme'];
const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '15'];

const planned = async (name: string, ...args: string[]): Promise<Plan> => {
  const file = join(folder, name);
  await ffmpeg('-f', 'lavfi', '-i', ...args, file);
  return planFile(file, OWN_SIZE);
};
const codesOf = ({ findings }: Plan) => findings.map(({ code }) => code);

describe('a picture of fields becomes one of as many frames, whatever the file says of it', () => {
  test.each([
    ['upper lines first, and flagged so', fields('tff', 2), [...MPEG2, '-top', '1'], 'top-first'],
    ['lower lines first, flagged as upper', fields('bff', 2), [...MPEG2, '-top', '1'], 'bottom-first'],
    ['upper lines first, flagged as lower', fields('tff', 2), [...MPEG2, '-top', '0'], 'top-first'],
    ['flagged as progressive', fields('tff', 2), ['-c:v', 'mpeg2video', '-q:v', '2'], 'top-first'],
    ['in H.264 without a flag', fields('bff', 2), X264, 'bottom-first'],
    ['in H.264 with one (MBAFF)', fields('tff', 2), [...X264, '-x264-params', 'tff=1'], 'top-first'],
  ])('%s', async (_, picture, encoder, order) => {
    const plan = await planned('fields.ts', picture, ...encoder);
    expect(plan.picture?.fieldOrder).toBe(order);
    expect(plan.rate).toEqual({ num: 50, den: 1 });
    expect(plan.frames).toBe(100);
    expect(codesOf(plan)).toContain('deinterlaced');
  });

  test('whole frames that are flagged as fields stay whole', async () => {
    const plan = await planned('psf.ts', PROGRESSIVE, ...MPEG2, '-top', '1');
    expect(plan.picture?.fieldOrder).toBeUndefined();
    expect(plan.rate).toEqual({ num: 25, den: 1 });
    expect(codesOf(plan)).toContain('interlaced-flag');
    expect(codesOf(plan)).not.toContain('deinterlaced');
  });

  testWithCorpus('an AVCHD camera of 30 whole frames, each in two packets, keeps them', async () => {
    const plan = await planFile(corpusFile('fixture-raw.mts'), OWN_SIZE);
    expect(plan.rate).toEqual({ num: 30_000, den: 1001 });
    expect(plan.picture).toMatchObject({ frames: 31 });
    expect(codesOf(plan)).toContain('interlaced-flag');
  });
});

describe('what a sample means', () => {
  const scan = (topFirst: number, bottomFirst: number, progressive: number) => ({
    ...{ topFirst, bottomFirst, progressive, frameDistance: 3600 },
  });
  test.each([
    ['a still picture: the flag is all there is', 'bottom-first', scan(1, 0, 2), 'bottom-first'],
    ['a still picture without a flag', undefined, scan(1, 0, 2), undefined],
    ['film with some video in it, flagged', 'top-first', scan(30, 0, 170), 'top-first'],
    ['a fine pattern, not flagged', undefined, scan(30, 0, 170), undefined],
    ['both orders about as often: the flag decides', 'bottom-first', scan(60, 50, 10), 'bottom-first'],
    ['nothing was measured', 'top-first', undefined, undefined],
  ] as const)('%s', (_, flagged, seen, order) => expect(fieldOrderOf(flagged, seen)).toBe(order));
});

/** The hash of every frame that a chunk's largest rung is made of. */
async function framesOf(plan: Plan, chunk: Chunk, url: string): Promise<string[]> {
  const args = chunkArguments(plan, chunk, url, ['unused']);
  const input = args.slice(0, args.indexOf('-filter_complex') + 2);
  // The standard output is the hashes' alone here.
  const output = ['-progress', '/dev/null', '-map', '[v0]', '-f', 'framemd5', '-'];
  const { stdout } = await exec('ffmpeg', [...input, ...output]);
  return stdout.split('\n').flatMap((line) => (line.startsWith('#') || line === '' ? [] : [line.slice(-32)]));
}

test.each([
  ['mp4', [...X264, '-x264-params', 'tff=1:keyint=50']],
  ['ts', [...MPEG2, '-top', '1', '-g', '12']],
])(
  'deinterlacing a chunk of %s gives the same frames as deinterlacing the whole',
  async (container, encoder) => {
    const file = join(folder, `seam.${container}`);
    await ffmpeg('-f', 'lavfi', '-i', fields('tff', 14), ...encoder, file);
    const short = encodeSettingsSchema.parse({
      ...OWN_SIZE,
      rungs: [{ height: 576, crf: 30, maxKbps: 5000 }],
      ...{ segmentSeconds: 2, chunkSeconds: 6 },
    });
    const plan = await planFile(file, short);
    expect(plan.picture?.fieldOrder).toBe('top-first');
    expect(plan.chunks.length).toBeGreaterThan(2);
    const { url, close } = await serveFile(file);
    try {
      const one = { ...plan, rungs: plan.rungs.slice(0, 1) };
      const whole = await framesOf(one, { from: 0, to: plan.frames }, url);
      const parts: string[] = [];
      for (const chunk of plan.chunks) parts.push(...(await framesOf(one, chunk, url)));
      expect(whole).toHaveLength(700);
      expect(new Set(whole).size).toBeGreaterThan(690);
      expect(parts).toEqual(whole);
    } finally {
      close();
    }
  },
);
