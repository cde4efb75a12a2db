/** `text`: the text tracks of a source, and what is said in it, become WebVTT renditions. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ZodError } from 'zod';
import { inBatches } from '../jobs/batches.ts';
import { log } from '../jobs/log.ts';
import type { Encode, Task } from '../jobs/messages.ts';
import { MissingObjectError } from '../jobs/store.ts';
import type { Finding } from '../video/findings.ts';
import { packetsTimeout } from '../video/packets.ts';
import type { Plan } from '../video/plan.ts';
import type { StoredFile } from '../video/receipt.ts';
import { textArguments, textShift } from '../video/text/arguments.ts';
import { clipCues } from '../video/text/cues.ts';
import { parseCues } from '../video/text/parse.ts';
import { groupWords } from '../video/text/speech.ts';
import {
  SPEECH,
  type TextTrack,
  type Transcribe,
  textFormatOf,
  textRendition,
  trackName,
} from '../video/text/tracks.ts';
import { lengthOf, segmentCues, TextError, type TextFile } from '../video/text/webvtt.ts';
import { textWork } from '../video/work.ts';
import { requirePlan, type TaskContext, withPlanned, withScratch } from './context.ts';
import { once, storeFile } from './media.ts';
import { hasRefused, MissingProgramError, ProcessError, run } from './process.ts';
import { transcribe } from './speech.ts';

/** Times what it should need on a core of its own, ffmpeg is stuck. */
const PATIENCE = 10;

/** Bytes of all tracks of a source: an hour of what is said has a hundred thousand. */
const MOST_TEXT = 64 * 2 ** 20;

/** Writes at once: a film has a thousand segments, most of a few hundred bytes. */
const WRITES_AT_ONCE = 32;

/** What came of a track: its rendition, or why there is none. */
type Read = { readonly files: readonly TextFile[] } | { readonly finding: Finding };

const finding = (code: Finding['code'], track: TextTrack, why: string): { finding: Finding } => ({
  finding: { code, text: `The subtitle track "${trackName(track)}" ${why}, so it was left out.` },
});

/** Has ffmpeg read tracks, all in one run. @returns what it wrote, a text a track, and its seconds */
async function extract(context: TaskContext, encode: Encode, plan: Plan, tracks: readonly TextTrack[]) {
  return withScratch(context, async (folder) => {
    const outputs = tracks.map(({ stream }) => join(folder, `${stream}`));
    const { cpuSeconds } = await withPlanned(context, encode, plan, (url, size) =>
      run({
        program: 'ffmpeg',
        args: textArguments(tracks, url, outputs),
        writes: { files: outputs, bytes: MOST_TEXT },
        timeoutSeconds: packetsTimeout(size) + PATIENCE * textWork(tracks, plan.picture),
        signal: context.signal,
      }),
    );
    return { texts: await Promise.all(outputs.map((path) => readFile(path, 'utf8'))), cpuSeconds };
  });
}

function readTrack(plan: Plan, track: TextTrack, text: string): Read {
  const all = parseCues(text, textFormatOf(track.codec) ?? 'srt', { asWritten: false });
  const cues = clipCues(all, textShift(plan), lengthOf(plan));
  if (cues.length === 0) return finding('empty-subtitles', track, 'has no text');
  try {
    return { files: segmentCues(cues, plan) };
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    return finding('broken-subtitles', track, 'has too many cues, or too many at the same time');
  }
}

/** Reads tracks together, or one by one where that fails: a broken one must not take the others with it. */
async function readTracks(
  context: TaskContext,
  encode: Encode,
  plan: Plan,
  tracks: readonly TextTrack[],
): Promise<{ read: Read[]; cpuSeconds: number }> {
  try {
    const { texts, cpuSeconds } = await extract(context, encode, plan, tracks);
    return { read: tracks.map((track, index) => readTrack(plan, track, texts[index] ?? '')), cpuSeconds };
  } catch (error) {
    const [first, ...others] = tracks;
    // One that was killed or took too long says nothing about the tracks: it is tried again.
    if (!hasRefused(error) || !first) throw error;
    if (others.length === 0) {
      return { read: [finding('broken-subtitles', first, 'could not be read')], cpuSeconds: 0 };
    }
  }
  const read: Read[] = [];
  let cpuSeconds = 0;
  for (const track of tracks) {
    const one = await readTracks(context, encode, plan, [track]);
    read.push(...one.read);
    cpuSeconds += one.cpuSeconds;
  }
  return { read, cpuSeconds };
}

/** Why nothing was recognised, in words for whoever watches; the log has the rest. Any other error is tried again. */
const UNHEARD = [
  [MissingProgramError, 'it is not installed'],
  [MissingObjectError, 'its model is not in the upload bucket'],
  [ProcessError, 'it, or ffmpeg before it, failed'],
  [ZodError, 'what it wrote can not be read'],
  [SyntaxError, 'what it wrote can not be read'],
  [TextError, 'what it heard makes too many cues, or too many at the same time'],
] as const;

/** Has speech recognised. Whatever the engine makes of it, the video goes on; only S3 and a stop are tried again. */
async function hear(
  context: TaskContext,
  encode: Encode,
  plan: Plan,
  { stream, settings }: { stream: number; settings: Transcribe },
): Promise<{ read: Read[]; cpuSeconds: number }> {
  const engine = settings.engine === 'whisper' ? `whisper with ${settings.model}` : settings.engine;
  const without = (why: string): Read => {
    return { finding: { code: 'no-transcript', text: `No subtitles were generated by ${engine}: ${why}.` } };
  };
  try {
    const { words, cpuSeconds } = await transcribe(context, encode, plan, { stream, settings });
    const cues = clipCues(groupWords(words), 0, lengthOf(plan));
    return {
      read: [cues.length === 0 ? without('no words were recognised') : { files: segmentCues(cues, plan) }],
      cpuSeconds,
    };
  } catch (error) {
    const [, why] = UNHEARD.find(([kind]) => error instanceof kind) ?? [];
    if (why === undefined) throw error;
    log('warn', 'not-transcribed', { video: encode.video, engine, error: String(error) });
    return { read: [without(why)], cpuSeconds: 0 };
  }
}

/** Reads what is written in the source, and hears what is said in it, in the plan's order: speech comes last. */
async function readAll(context: TaskContext, encode: Encode, plan: Plan) {
  const written = plan.text.filter(({ codec }) => codec !== SPEECH);
  const results = written.length > 0 ? [await readTracks(context, encode, plan, written)] : [];
  for (const { stream, transcribe: settings } of plan.text)
    if (settings) results.push(await hear(context, encode, plan, { stream, settings }));
  return {
    read: results.flatMap(({ read }) => read),
    cpuSeconds: results.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
}

/** Stores a rendition's files. */
const storeRendition = (
  context: TaskContext,
  encode: Encode,
  rendition: string,
  files: readonly TextFile[],
): Promise<StoredFile[]> =>
  Array.fromAsync(
    inBatches(files, WRITES_AT_ONCE, ({ name, text }) =>
      storeFile(context, encode, `${rendition}/${name}`, Buffer.from(text)),
    ),
  );

export async function textTask(context: TaskContext, task: Task & { kind: 'text' }): Promise<void> {
  const plan = await requirePlan(context, task);
  await once(context, task, plan, async () => {
    const { read, cpuSeconds } = await readAll(context, task, plan);
    const files: StoredFile[] = [];
    const findings: Finding[] = [];
    for (const [index, one] of read.entries()) {
      if ('finding' in one) findings.push(one.finding);
      else files.push(...(await storeRendition(context, task, textRendition(index), one.files)));
    }
    return { files, findings, cpuSeconds };
  });
}
