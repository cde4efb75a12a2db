/** Runs the two ffmpegs of a sound: one decodes the source's track, the other takes what it gives. */
import type { Readable, Writable } from 'node:stream';
import { corrected, type Level, LoudnessReader, levelFor } from '../video/loudness.ts';
import { durationOf, type Plan } from '../video/plan.ts';
import type { Sound } from '../video/sound.ts';
import {
  audioTimeout,
  decodeSoundArguments,
  encodeSoundArguments,
  measureSoundArguments,
} from '../video/sound-arguments.ts';
import { SoundWatch } from '../video/sound-damage.ts';
import { hasRefused, type ProcessError, type Run, run } from './process.ts';

/** Writes all that comes. A reader that has enough hangs up; the rest is read to nowhere, so that its end is told. */
async function pour(output: Readable, to: Writable): Promise<void> {
  for await (const bytes of output) {
    if (to.destroyed || to.write(bytes)) continue;
    await new Promise<void>((resolve) => {
      const go = () => {
        to.off('drain', go).off('close', go);
        resolve();
      };
      to.on('drain', go).on('close', go);
    });
  }
  to.end();
}

/** Where a track is read from, and how large the file is around it. */
interface ReadableSource {
  readonly url: string;
  readonly bytes: number;
}

export interface SoundRun {
  readonly cpuSeconds: number;
  /** Why the track can not be had; undefined where it can. */
  readonly broken?: string | undefined;
  /** Seconds of it that could not be decoded. */
  readonly silentSeconds: number;
}

/**
 * Decodes a track into another ffmpeg. That the track is broken is an answer, not an error: every worker would find
 * the same. What stops the programs from outside is thrown.
 */
async function runSound(
  plan: Plan,
  sound: Sound,
  { url, bytes }: ReadableSource,
  second: Pick<Run, 'args' | 'read' | 'onLine'>,
  signal: AbortSignal,
): Promise<SoundRun> {
  const watch = new SoundWatch(sound, { from: plan.origin, to: plan.origin + durationOf(plan) });
  const common = { program: 'ffmpeg', timeoutSeconds: audioTimeout(plan, bytes), signal } as const;
  let cpuSeconds = 0;
  let refused: ProcessError | undefined;
  const orRefused = (error: unknown) => {
    if (!hasRefused(error)) throw error;
    refused ??= error;
    return { cpuSeconds: 0 };
  };
  const feed = async (input: Writable) => {
    const read = (output: Readable) => pour(output, input);
    const args = decodeSoundArguments(sound, url);
    const decoded = await run({ ...common, args, read, onLine: (line) => watch.read(line) }).catch(orRefused);
    cpuSeconds += decoded.cpuSeconds;
    input.end();
  };
  const took = await run({ ...common, ...second, feed }).catch(orRefused);
  cpuSeconds += took.cpuSeconds;
  const { silentSeconds, lostShare, isBroken } = watch;
  if (isBroken) return { cpuSeconds, silentSeconds, broken: refused?.message ?? percent(lostShare) };
  if (refused) throw refused; // the track is whole: it is not the file's fault
  return { cpuSeconds, silentSeconds };
}

const percent = (share: number): string => `${Math.round(100 * share)} % of it is damaged`;

/** Times that a level is corrected: the third time changes less than anybody hears. */
const MOST_CORRECTIONS = 3;

/** Finds the level that a rendition needs; none where it is silent. Says it too where the track is broken. */
async function findLevel(plan: Plan, sound: Sound, source: ReadableSource, signal: AbortSignal) {
  let cpuSeconds = 0;
  let level: Level | undefined;
  for (let corrections = 0; corrections <= MOST_CORRECTIONS; corrections++) {
    const reader = new LoudnessReader();
    const args = measureSoundArguments(plan, sound, level);
    const ran = await runSound(plan, sound, source, { args, onLine: (line) => reader.read(line) }, signal);
    cpuSeconds += ran.cpuSeconds;
    const loudness = reader.loudness();
    if (ran.broken !== undefined || !loudness) return { ...ran, cpuSeconds, level };
    const next = level ? corrected(level, loudness) : levelFor(loudness);
    if (!next) break;
    level = next;
    if (!level.limited) break; // a gain alone is exact
  }
  return { cpuSeconds, silentSeconds: 0, level };
}

/** Encodes a rendition, as loud as the plan wants it. @param read takes the fragmented MP4 that ffmpeg writes */
export async function encodeSound(
  plan: Plan,
  sound: Sound,
  source: ReadableSource,
  read: (output: Readable) => Promise<void>,
  signal: AbortSignal,
): Promise<SoundRun> {
  const encode = (level?: Level) =>
    runSound(plan, sound, source, { args: encodeSoundArguments(plan, sound, level), read }, signal);
  if (plan.loudness === 'keep') return encode();
  const { level, ...measured } = await findLevel(plan, sound, source, signal);
  if (measured.broken !== undefined) return measured;
  const encoded = await encode(level);
  return { ...encoded, cpuSeconds: measured.cpuSeconds + encoded.cpuSeconds };
}
