/** Every chosen file of the corpus through the real platform on this machine, and what came out of it. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as HlsParser from 'hls-parser';
import { checkStream } from '../../check/check.ts';
import { httpReader } from '../../cli/http-reader.ts';
import { hasEnded } from '../../jobs/live-message.ts';
import { type VideoId, videoKeys } from '../../jobs/names.ts';
import { readPlan } from '../../jobs/progress.ts';
import { publishedRevision } from '../../jobs/publish.ts';
import { type VideoStatus, videoStatus } from '../../jobs/status.ts';
import type { LocalPlatform } from '../../local/platform.ts';
import { uploadFile } from '../../local/upload.ts';
import { detailsSchema } from '../../video/details.ts';
import type { Finding } from '../../video/findings.ts';
import { durationOf, type Plan } from '../../video/plan.ts';
import { type Drift, measureDrift } from './drift.ts';
import { CORPUS, type Entry } from './manifest.ts';
import { type Decoded, decodeAll, packetSpans, type Span } from './measure.ts';

/** Videos on the way at once: while some are encoded, others are measured. */
const IN_FLIGHT = 4;
/** Milliseconds between two looks at whether a video has ended. */
const LOOK_EVERY_MS = 300;

/** A rendition of the stream, decoded whole. */
export interface Rendition {
  readonly name: string;
  readonly url: string;
  readonly streams: readonly Decoded[];
}

/** A stream that plays, as others see it. */
export interface Playing {
  readonly plan: Plan;
  readonly findings: readonly Finding[];
  readonly renditions: readonly Rendition[];
  /** Lines of ffmpeg's decoders. */
  readonly decodeErrors: readonly string[];
  /** Of the checker. */
  readonly violations: readonly string[];
  /** Frames that ffmpeg decodes of the source's stream that was chosen. */
  readonly framesIn: number;
  /** Of the source's streams, by index. */
  readonly spans: ReadonlyMap<number, Span>;
  /** Of the first sound, where the source's clock runs through. */
  readonly drift?: Drift | undefined;
}

export interface Outcome {
  readonly entry: Entry;
  readonly id: VideoId;
  readonly state: string;
  readonly failure?: { readonly code: string; readonly message: string };
  /** From the upload to the end; others are on the way at the same time. */
  readonly seconds: number;
  readonly playing?: Playing;
}

/** Does something for each, a few at a time, in order. */
async function eachOf<T, R>(
  values: readonly T[],
  atOnce: number,
  make: (value: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = values.entries();
  const worker = async () => {
    for (const [index, value] of left) results[index] = await make(value);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}

async function untilEnded(platform: LocalPlatform, id: VideoId): Promise<VideoStatus> {
  for (;;) {
    const status = await videoStatus(platform.stores, id);
    if (status && hasEnded(status)) return status;
    await sleep(LOOK_EVERY_MS, undefined, { signal: platform.stopped });
  }
}

/** URLs of the media playlists that have pictures or sound, each once; I-frame playlists repeat the same pictures. */
async function mediaPlaylists(master: string): Promise<string[]> {
  const playlist = HlsParser.parse(await (await fetch(master)).text());
  if (!playlist.isMasterPlaylist) throw new Error(`${master} is no multivariant playlist`);
  const variants = playlist.variants.filter(({ isIFrameOnly }) => !isIFrameOnly);
  const uris = variants.flatMap(({ uri, audio }) => [uri, ...audio.flatMap((one) => one.uri ?? [])]);
  return [...new Set(uris)];
}

/** How far the first sound moved from the picture. @param first when the source's picture begins */
async function driftOf(
  file: string,
  plan: Plan,
  renditions: readonly Rendition[],
  first: number | undefined,
): Promise<Drift | undefined> {
  const [sound] = plan.audio;
  const shown = renditions.flatMap(({ streams }) => streams).find(({ kind }) => kind === 'video');
  const heard = renditions.find(({ streams }) => streams.some(({ kind }) => kind === 'audio'));
  if (!sound || !shown || !heard || first === undefined || plan.source.copy) return undefined;
  return measureDrift(
    { url: file, stream: `${sound.stream}`, origin: first },
    { url: heard.url, stream: 'a:0', origin: shown.start },
    durationOf(plan),
  );
}

/** Everything that can be measured of a stream that plays. */
async function look(platform: LocalPlatform, { id }: VideoStatus, file: string): Promise<Playing> {
  const master = `${platform.url}/${videoKeys.master(id)}`;
  const revision = await publishedRevision(platform.stores.production, id);
  const plan = revision && (await readPlan(platform.stores.uploads, { video: id, revision }));
  if (!plan) throw new Error(`${file} plays without a plan`);
  const { findings } = detailsSchema.parse(
    await (await fetch(`${platform.url}/${videoKeys.details(id)}`)).json(),
  );
  const { findings: broken, unchecked } = await checkStream(httpReader, master);
  const renditions: Rendition[] = [];
  const decodeErrors: string[] = [];
  for (const uri of await mediaPlaylists(master)) {
    const { href: url } = new URL(uri, master);
    const { streams, complaints } = await decodeAll(url);
    renditions.push({ name: uri.split('/').at(-2) ?? uri, url, streams });
    decodeErrors.push(...complaints);
  }
  const chosen = String(plan.picture?.stream ?? plan.audio[0]?.stream ?? 0);
  const source = await decodeAll(file, chosen);
  const spans = await packetSpans(file);
  return {
    plan,
    findings,
    renditions,
    decodeErrors,
    violations: [
      ...broken
        .filter(({ severity }) => severity === 'error')
        .map(({ rule, message }) => `${rule}: ${message}`),
      ...unchecked,
    ],
    framesIn: source.streams[0]?.frames ?? 0,
    spans,
    drift: await driftOf(file, plan, renditions, spans.get(plan.picture?.stream ?? -1)?.from),
  };
}

async function encode(platform: LocalPlatform, entry: Entry): Promise<Outcome> {
  const file = join(CORPUS, entry.file);
  const began = Date.now();
  const id = await uploadFile(platform.s3, platform.uploadBucket, file);
  const status = await untilEnded(platform, id);
  const { state, failure } = status;
  const outcome = { entry, id, state, ...(failure && { failure }), seconds: (Date.now() - began) / 1000 };
  return state === 'ready' ? { ...outcome, playing: await look(platform, status, file) } : outcome;
}

/**
 * Encodes files of the corpus on a platform and looks at what they became, in the order of `entries`.
 * @param onEnd is told of each, in the order in which they end
 */
export function encodeEach(
  platform: LocalPlatform,
  entries: readonly Entry[],
  onEnd: (outcome: Outcome) => void = () => undefined,
): Promise<Outcome[]> {
  return eachOf(entries, IN_FLIGHT, async (entry) => {
    const outcome = await encode(platform, entry);
    onEnd(outcome);
    return outcome;
  });
}
