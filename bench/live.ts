/**
 * Measures live progress on one video, encoded by the local platform:
 *   npm run bench:live -- [FILE]
 * How late messages come, whether percent ever falls, how wrong the time left is, and how long a second subscriber, who
 * comes in the middle, waits for the present state.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { SpotreelClient } from '../api/client/index.ts';
import { type Following, follow, type LiveVideo } from '../api/client/live.ts';
import { startLocalPlatform } from '../local/platform.ts';
import { uploadFile } from '../local/upload.ts';
import { clipOf } from './clip.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const file = await clipOf(positionals[0]);

/** Targets, from the issue. */
const MOST_DELAY_MS = 500;
const MOST_ERROR = 0.3;
/** Seconds of which an error is none: near the end every fraction is large. */
const UNNOTICED_SECONDS = 3;

interface Heard {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly video: LiveVideo;
}

const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-bench-live-'));
const platform = await startLocalPlatform({ port: 0, dataDir, workers: 1 });
const client = new SpotreelClient({ url: platform.url });
const heard: Heard[] = [];
const ended = Promise.withResolvers<void>();
const late = Promise.withResolvers<number>();
const open: Following[] = [];
let lateSince: number | undefined;

/** The second subscriber: how long until it knows as much as the first. */
function comeLate(video: string): void {
  const since = Date.now();
  lateSince = since;
  open.push(
    follow(client, {
      video,
      onState: (state) => state.speed !== undefined && late.resolve(Date.now() - since),
    }),
  );
}

try {
  const started = Date.now();
  const id = await uploadFile(platform.s3, platform.uploadBucket, file);
  open.push(
    follow(client, {
      video: id,
      onState: (video) => {
        heard.push({ at: Date.now(), video });
        if (lateSince === undefined && video.percent >= 50) comeLate(id);
        if (video.state === 'ready') ended.resolve();
        else if (video.state === 'failed') ended.reject(new Error(video.failure?.message));
      },
    }),
  );
  await ended.promise;
  report(started, await late.promise);
} finally {
  for (const following of open) following.close();
  await platform.close();
  await rm(dataDir, { recursive: true, force: true });
}

function report(started: number, lateMs: number): void {
  const end = heard.at(-1)?.at ?? started;
  const reports = new Map<string, number>();
  for (const { at, video } of heard)
    if (video.at !== undefined && !reports.has(video.at)) reports.set(video.at, at);
  // The first was told before anybody listened.
  const delays = [...reports]
    .slice(1)
    .map(([told, at]) => at - Date.parse(told))
    .toSorted((a, b) => a - b);
  const delay = (share: number): number => delays[Math.floor(share * (delays.length - 1))] ?? Number.NaN;
  const falls = heard.filter(({ video }, index) => video.percent < (heard[index - 1]?.video.percent ?? 0));
  const quarter = started + (end - started) / 4;
  const judged = heard.flatMap(({ at, video: { secondsLeft, percent } }) => {
    if (secondsLeft === undefined || at < quarter || at >= end) return [];
    const left = (end - at) / 1000;
    const error = Math.abs(secondsLeft - left);
    return [{ percent, left, secondsLeft, error: error <= UNNOTICED_SECONDS ? 0 : error / left }];
  });
  const worst = judged.toSorted((a, b) => b.error - a.error)[0];
  for (const { percent, left, secondsLeft } of judged)
    console.log(
      `${percent.toFixed(1).padStart(5)} %  said ${secondsLeft.toFixed(1).padStart(6)} s  was ${left.toFixed(1).padStart(6)} s`,
    );
  console.log(`\n${heard.length} states in ${((end - started) / 1000).toFixed(1)} s`);
  verdict(
    `from report to subscriber: median ${delay(0.5)} ms, 95 % ${delay(0.95)} ms, most ${delay(1)} ms`,
    delay(1) < MOST_DELAY_MS,
  );
  verdict(`percent fell ${falls.length} times`, falls.length === 0);
  verdict(
    `time left from the first quarter on: ${judged.length} times told, wrong by ${Math.round((worst?.error ?? 0) * 100)} % at most`,
    judged.length > 0 && (worst?.error ?? 0) <= MOST_ERROR,
  );
  verdict(`a second subscriber, in the middle, knew all after ${lateMs} ms`, lateMs < 2 * MOST_DELAY_MS);
}

function verdict(text: string, met: boolean): void {
  console.log(`${met ? 'met   ' : 'MISSED'}  ${text}`);
  if (!met) process.exitCode = 1;
}
