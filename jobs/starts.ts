/**
 * Whether machines that are launched come up. One whose boot fails, or that can have no cage for ffmpeg, ends itself, and
 * the next sweep finds tasks and no machine. So each launch is remembered until a worker says that it is up; where none
 * does, launches come further and further apart, and of one machine each.
 */
import { z } from 'zod';
import { readHint, updateHint } from './hints.ts';
import { capacityKeys } from './names.ts';
import type { ObjectStore } from './store.ts';

const MINUTE = 60_000;
/** Milliseconds of launches in vain after which they slow down: a boot takes one minute or two. */
const PATIENCE_MS = 5 * MINUTE;
/** Milliseconds between two launches at most, so that all goes on within an hour of its being mended. */
const MOST_WAIT_MS = 60 * MINUTE;
/** Milliseconds after which a launch says nothing of the next: its machine may have been interrupted while it booted. */
const FORGOTTEN_MS = 2 * MOST_WAIT_MS;

/** Launches since a worker came up last: the first and the last, ISO 8601. `null` where one came up since. */
const startsSchema = z.object({ since: z.iso.datetime(), last: z.iso.datetime() }).nullable();
type Starts = z.infer<typeof startsSchema>;

const times = (starts: Starts | undefined, now: number): { since: number; last: number } | undefined => {
  if (!starts) return undefined;
  const last = Date.parse(starts.last);
  return now - last > FORGOTTEN_MS ? undefined : { since: Date.parse(starts.since), last };
};

/**
 * How many machines may be launched now: any, one to see whether it comes up, or none yet.
 * @param now milliseconds since the epoch
 */
export async function launchPace(uploads: ObjectStore, now: number): Promise<'any' | 'one' | 'none'> {
  const found = times(await readHint(uploads, capacityKeys.starts, startsSchema), now);
  const vainMs = found ? found.last - found.since : 0;
  if (!found || vainMs < PATIENCE_MS) return 'any';
  // As long again as it has been going on: so the waits double.
  return now - found.last < Math.min(vainMs, MOST_WAIT_MS) ? 'none' : 'one';
}

/** Remembers that machines were launched. @param now milliseconds since the epoch */
export async function rememberLaunch(uploads: ObjectStore, now: number): Promise<void> {
  await updateHint(uploads, capacityKeys.starts, startsSchema, (before) => ({
    since: new Date(times(before, now)?.since ?? now).toISOString(),
    last: new Date(now).toISOString(),
  }));
}

/** Says that a machine's worker is up and takes tasks: what is launched works. */
export async function cameUp(uploads: ObjectStore): Promise<void> {
  await updateHint(uploads, capacityKeys.starts, startsSchema, (before) => (before ? null : undefined));
}
