/**
 * What a video costs in money: once for making it, each month for keeping it, each hour for watching it; and what the same
 * would cost elsewhere, at list prices. Pure.
 */
import { z } from 'zod';
import { durationOf, type Plan } from './plan.ts';
import { besideComputing, type Prices } from './prices.ts';
import { toNumber } from './rational.ts';
import { objectsOf, type Receipt } from './receipt.ts';
import { codecSchema } from './settings.ts';

/** What of an encode costs money, as its receipts and its plan tell it. */
export const billSchema = z.object({
  /** US dollars of the machines for the CPU time that its receipts tell, at what each machine cost. */
  machinesUsd: z.number().nonnegative(),
  /** Whose prices those are: spot's as EC2 told them, the list's where it told none, or some of each. */
  pricedBy: z.enum(['spot', 'list', 'both']),
  /** Requests to S3. */
  writes: z.int().nonnegative(),
  reads: z.int().nonnegative(),
  framesPerSecond: z.number().positive(),
  /** The pictures, highest first. */
  rungs: z.array(
    z.object({ codec: codecSchema, width: z.int(), height: z.int(), bytes: z.int().nonnegative() }),
  ),
  /** Bytes of the first sound. */
  soundBytes: z.int().nonnegative(),
});
export type Bill = z.infer<typeof billSchema>;

/**
 * Requests to S3 besides storing what is made: of each task, of each task a rung (the early playlists grow with it), and of
 * the video. Counted on the laptop for a minute of 1080p25 with five rungs: 108 PUTs, 30 lists, 280 GETs and HEADs.
 */
const WRITES = { task: 5, taskAndRung: 1, video: 35 } as const;
const READS = { task: 12, taskAndRung: 3, video: 90 } as const;

/** @param stored objects of what is made */
const requestsOf = (
  { task, taskAndRung, video }: typeof WRITES | typeof READS,
  { tasks, rungs, stored }: { readonly tasks: number; readonly rungs: number; readonly stored: number },
): number => stored + tasks * (task + taskAndRung * rungs) + video;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** US dollars of a task's CPU time. */
const taskUsd = ({ cpuSeconds, price }: Receipt, prices: Prices): number =>
  (cpuSeconds / 3600) * (price?.usdPerVcpuHour ?? prices.vcpuHour);

function pricedBy(receipts: readonly Receipt[]): Bill['pricedBy'] {
  const kinds = new Set(receipts.map(({ price }) => price?.from ?? 'list'));
  const [kind = 'list'] = kinds;
  return kinds.size > 1 ? 'both' : kind;
}

/** What an encode's tasks cost. @param prices for what no receipt tells */
export function billOf(plan: Plan, receipts: readonly Receipt[], prices: Prices): Bill {
  const stored = receipts.flatMap(({ objects, files }) => [...objects, ...files]).length;
  const counts = { tasks: receipts.length, rungs: plan.rungs.length };
  const bytesOf = (rendition: string) => sum(objectsOf(receipts, rendition).map(({ bytes }) => bytes));
  return {
    machinesUsd: sum(receipts.map((receipt) => taskUsd(receipt, prices))),
    pricedBy: pricedBy(receipts),
    writes: requestsOf(WRITES, { ...counts, stored }),
    reads: requestsOf(READS, { ...counts, stored: 0 }),
    framesPerSecond: toNumber(plan.rate),
    rungs: plan.rungs.map(({ name, codec, width, height }) => ({
      codec,
      width,
      height,
      bytes: bytesOf(name),
    })),
    soundBytes: bytesOf('audio-0'),
  };
}

/** vCPUs of the machines that an estimate goes by, and GB of their disks: the smallest. */
const FORESEEN = { vcpus: 2, diskGigabytes: 20 } as const;

/** Bytes of so many kbit/s for the length of a plan. */
const bytesAt = (plan: Plan, kbps: number): number => Math.ceil((kbps * 1000 * durationOf(plan)) / 8);

/**
 * Bytes of what a plan makes where every picture takes as much as it may: its rungs, every sound, and the file for
 * downloading. Pictures beside the stream, text and playlists are not in it: a few megabytes.
 */
export function foreseenBytes(plan: Plan): number {
  const kept = plan.rungs.find(({ name }) => name === plan.download);
  const rungs = [...plan.rungs, ...(kept ? [kept] : [])].map(({ maxKbps }) => maxKbps);
  const sounds = [...plan.audio, ...(kept ? plan.audio.slice(0, 1) : [])].map(({ kbps }) => kbps);
  return sum([...rungs, ...sounds].map((kbps) => bytesAt(plan, kbps)));
}

/** The bill that a plan foresees, on demand, where every picture takes as much as it may. */
export function foreseenBill(plan: Plan, prices: Prices): Bill {
  const tasks = plan.chunks.length + plan.audio.length + (plan.text.length > 0 ? 1 : 0) + 1;
  const counts = { tasks, rungs: plan.rungs.length };
  const usdPerVcpuHour = prices.vcpuHour + besideComputing(prices, FORESEEN.diskGigabytes) / FORESEEN.vcpus;
  return {
    machinesUsd: (plan.workSeconds / 3600) * usdPerVcpuHour,
    pricedBy: 'list',
    // Sounds are stored in parts, one a chunk or so.
    writes: requestsOf(WRITES, {
      ...counts,
      stored: plan.chunks.length * (plan.rungs.length + plan.audio.length),
    }),
    reads: requestsOf(READS, { ...counts, stored: 0 }),
    framesPerSecond: toNumber(plan.rate),
    rungs: plan.rungs.map(({ codec, width, height, maxKbps }) => ({
      codec,
      width,
      height,
      bytes: bytesAt(plan, maxKbps),
    })),
    soundBytes: plan.audio[0] ? bytesAt(plan, plan.audio[0].kbps) : 0,
  };
}

/** US dollars of a video. */
export interface Cost {
  /** Once, for making it. */
  readonly machines: number;
  readonly requests: number;
  /** A month, for keeping it and its source. */
  readonly storageMonth: number;
  /** For an hour that somebody watches the highest H.264 picture; others are smaller. */
  readonly watchedHour: number;
  readonly pricedBy: Bill['pricedBy'];
  readonly elsewhere: readonly Elsewhere[];
}

/** The same at a managed service. */
export interface Elsewhere {
  readonly service: string;
  readonly once: number;
  readonly storageMonth: number;
  readonly watchedHour: number;
}

/** What of a video is kept. */
export interface Kept {
  readonly durationSeconds: number;
  /** Bytes of what was made. */
  readonly bytes: number;
  readonly sourceBytes: number;
}

const GIGABYTE = 1e9;

/** What a video costs by its bill. */
export function costOf(bill: Bill, { durationSeconds, bytes, sourceBytes }: Kept, prices: Prices): Cost {
  const watched = bill.rungs.find(({ codec }) => codec === 'h264')?.bytes ?? 0;
  const hourBytes = ((watched + bill.soundBytes) * 3600) / durationSeconds;
  const ours = {
    storageMonth: ((bytes + sourceBytes) / GIGABYTE) * prices.s3Month,
    watchedHour: (hourBytes / GIGABYTE) * prices.deliveredGigabyte,
  };
  return {
    machines: bill.machinesUsd,
    requests: bill.writes * prices.s3Write + bill.reads * prices.s3Read,
    ...ours,
    pricedBy: bill.pricedBy,
    elsewhere: elsewhereOf(bill, durationSeconds, ours, prices),
  };
}

function elsewhereOf(
  bill: Bill,
  durationSeconds: number,
  ours: Pick<Elsewhere, 'storageMonth' | 'watchedHour'>,
  prices: Prices,
): Elsewhere[] {
  const minutes = durationSeconds / 60;
  const normalised = mediaConvertMinutes(bill, durationSeconds);
  const hourly = { mux: 60 * prices.muxWatchedMinute, cloudflare: 60 * prices.cloudflareWatchedMinute };
  return [
    // It only encodes: what it makes lies in S3 and goes through CloudFront, too.
    ...(normalised === undefined
      ? []
      : [{ service: 'MediaConvert', once: normalised * prices.mediaConvertMinute, ...ours }]),
    { service: 'Mux', once: 0, storageMonth: minutes * prices.muxStoredMinute, watchedHour: hourly.mux },
    {
      service: 'Cloudflare Stream',
      once: 0,
      storageMonth: minutes * prices.cloudflareStoredMinute,
      watchedHour: hourly.cloudflare,
    },
  ];
}

/** Seconds that MediaConvert bills of an output at least. */
const LEAST_BILLED_SECONDS = 10;

/**
 * Normalised minutes of the same pictures at MediaConvert's Basic tier: one of SD counts 1, of HD 2, of 4K 4, twice as
 * much above 30 frames a second (https://gist.github.com/0xdeepmehta/2c2f548b19e29ed71e30492c1587770b has the prices that
 * these are the ratios of). Undefined where it can not be said: of sound alone, and of codecs that the tier has not.
 */
function mediaConvertMinutes({ rungs, framesPerSecond }: Bill, durationSeconds: number): number | undefined {
  if (rungs.length === 0 || rungs.some(({ codec }) => codec !== 'h264')) return undefined;
  const minutes = Math.max(LEAST_BILLED_SECONDS, durationSeconds) / 60;
  const bySpeed = framesPerSecond > 30 ? 2 : 1;
  return sum(rungs.map((rung) => minutes * bySpeed * sizeFactor(rung)));
}

function sizeFactor({ width, height }: { readonly width: number; readonly height: number }): number {
  const short = Math.min(width, height);
  if (short < 720) return 1;
  return short <= 1080 ? 2 : 4;
}
