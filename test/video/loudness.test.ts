/** Loudness as EBU R 128 measures it, before and after, by real ffmpeg. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serveFile } from '../../cli/file-server.ts';
import { corrected, LoudnessReader, levelFilters, levelFor, TARGET } from '../../video/loudness.ts';
import type { Plan } from '../../video/plan.ts';
import { AAC_FRAME, AUDIO_RATE } from '../../video/settings.ts';
import { encodeSound } from '../support/encode-sound.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch } from '../support/spotreel.ts';
import { tinyPlan } from '../support/tiny-video.ts';

const exec = promisify(execFile);
const SECONDS = 20;
let folder: Awaited<ReturnType<typeof scratch>>;
beforeAll(async () => {
  folder = await scratch();
});
afterAll(() => folder.remove());

async function loudnessOf(file: string) {
  const reader = new LoudnessReader();
  const { stderr } = await exec('ffmpeg', [
    ...['-v', 'info', '-nostats', '-i', file, '-af', 'ebur128=peak=true:framelog=verbose', '-f', 'null', '-'],
  ]);
  for (const line of stderr.split('\n')) reader.read(line);
  const loudness = reader.loudness();
  if (!loudness) throw new Error('ffmpeg measured nothing');
  return loudness;
}

/** Encodes a generated sound; its loudness before and after. */
async function encoded(name: string, filter: string, loudness: Plan['loudness']) {
  const source = join(folder.path, `${name}.wav`);
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    `${filter},aformat=channel_layouts=stereo`,
    '-t',
    `${SECONDS}`,
    '-c:a',
    'pcm_f32le',
    source,
  );
  const plan = { ...tinyPlan('r'), loudness };
  const [sound] = plan.audio;
  if (!sound) throw new Error('the plan has no sound');
  const { url, close } = await serveFile(source);
  try {
    const whole = { ...sound, stream: 0, frames: Math.ceil((SECONDS * AUDIO_RATE) / AAC_FRAME) };
    const { data } = await encodeSound(plan, whole, url);
    const file = join(folder.path, `${name}.m4a`);
    await writeFile(file, data);
    return { before: await loudnessOf(source), after: await loudnessOf(file), data };
  } finally {
    close();
  }
}

/** Bursts like words: loud and quiet, with rests. */
const SPEECH =
  "anoisesrc=color=pink:seed=7:amplitude=0.5,volume='0.1+0.9*gt(sin(2*PI*t*0.7),0.2)*abs(sin(2*PI*t*3))':eval=frame";
/** Below what AAC cuts off, whose loss would be measured too. */
const LOUD = "aevalsrc='0.5*sin(400*PI*t)+0.5*sin(1400*PI*t)+0.5*sin(3800*PI*t)'";
/** Its peaks are 25 dB above its loudness. */
const PEAKY = "aevalsrc='0.03*sin(800*PI*t)+0.4*lt(mod(t,0.5),0.002)*sin(6000*PI*t)'";

describe('normalised sound has -16 LUFS, and no peak above the ceiling', () => {
  test.each([
    ['words, quietly recorded', `${SPEECH},volume=-20dB`],
    ['words', SPEECH],
    ['what is too loud', LOUD],
    ['a quiet tone', 'sine=frequency=440,volume=-10dB'],
    ['clicks far above the rest', PEAKY],
  ])('%s', async (name, filter) => {
    const { before, after } = await encoded(name.replaceAll(' ', '-'), filter, 'normalise');
    expect(Math.abs(before.lufs - TARGET.lufs)).toBeGreaterThan(1); // or the test would say nothing
    expect(Math.abs(after.lufs - TARGET.lufs)).toBeLessThanOrEqual(0.5);
    expect(after.truePeak).toBeLessThanOrEqual(TARGET.truePeak + 0.5); // AAC's own error
  });
});

test('sound is left as loud as it is, unless otherwise asked', async () => {
  const { before, after } = await encoded('kept', `${LOUD},volume=-20dB`, 'keep');
  expect(Math.abs(after.lufs - before.lufs)).toBeLessThanOrEqual(0.2);
});

test('the same sound is normalised to the same bytes', async () => {
  const hash = async (name: string) =>
    createHash('sha256')
      .update((await encoded(name, SPEECH, 'normalise')).data)
      .digest('hex');
  expect(await hash('once')).toBe(await hash('twice'));
});

test.each([
  ['one gain where peaks have room', { lufs: -20, truePeak: -12 }, /^volume=4\.00dB$/],
  ['less where it is loud', { lufs: -9, truePeak: 0.5 }, /^volume=-7\.00dB$/],
  [
    'a limiter where peaks would pass the ceiling',
    { lufs: -26, truePeak: -5 },
    /^volume=10\.00dB,.*alimiter=limit=0\.8414/,
  ],
  ['silence stays silence', { lufs: -70, truePeak: Number.NEGATIVE_INFINITY }, /^$/],
  ['noise is not raised without end', { lufs: -60, truePeak: -50 }, /^volume=30\.00dB$/],
])('%s', (_, loudness, filters) => {
  const level = levelFor(loudness);
  expect((level ? levelFilters(level) : []).join(',')).toMatch(filters);
});

test.each([
  ['what the limiter took is given back', { gain: 10, limited: true }, -18, { gain: 12, limited: true }],
  ['near enough is enough', { gain: 10, limited: true }, -16.1, undefined],
  ['a gain alone needs no correction', { gain: 10, limited: false }, -18, undefined],
  ['the greatest gain is not passed', { gain: 30, limited: true }, -18, undefined],
])('%s', (_, level, lufs, next) => {
  expect(corrected(level, { lufs, truePeak: -1.5 })).toEqual(next);
});
