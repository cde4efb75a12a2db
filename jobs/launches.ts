/**
 * What was asked of EC2 lately, by whomever. DescribeInstances shows a machine seconds after its launch, and several
 * invocations ask at once, so each says what it asks for before it asks and counts what the others said.
 */
import { z } from 'zod';
import { updateHint } from './hints.ts';
import { capacityKeys } from './names.ts';
import type { ObjectStore } from './store.ts';

/**
 * How long a launch counts that DescribeInstances does not show: longer than that takes, and than an invocation lives
 * (DISPATCH_TIMEOUT_SECONDS), so that one which ended halfway holds nobody back for long.
 */
export const LAUNCH_MILLISECONDS = 60_000;

/** Tries to write beside others. Each that is lost was won by another, whose vCPUs the next one counts. */
const TRIES = 6;

const launchSchema = z.object({
  at: z.iso.datetime(),
  /** vCPUs that EC2 was asked for and has not answered yet. */
  askedVcpus: z.int().nonnegative(),
  machines: z.array(
    z.object({ id: z.string(), vcpus: z.int().positive(), market: z.enum(['spot', 'on-demand']) }),
  ),
});
export type Launch = z.infer<typeof launchSchema>;

/** By who asks. */
const launchesSchema = z.record(z.string(), launchSchema);

/** Those of other askers that still count. */
const recentOthers = (launches: z.infer<typeof launchesSchema>, asker: string, now: number) =>
  Object.entries(launches).filter(
    ([name, { at }]) => name !== asker && now - Date.parse(at) < LAUNCH_MILLISECONDS,
  );

/**
 * Says what an asker is about to ask for. Whoever reads it later leaves room for it. Where the object cannot be read or
 * written, or others are faster every time, it is asked for all the same.
 * @param now milliseconds since the epoch
 * @param wanted the vCPUs to ask for, given what others launch; with 0 nothing is written
 */
export async function announceLaunch(
  uploads: ObjectStore,
  asker: string,
  now: number,
  wanted: (others: readonly Launch[]) => Promise<number>,
): Promise<void> {
  const change = async (before: z.infer<typeof launchesSchema> = {}) => {
    const others = recentOthers(before, asker, now);
    const askedVcpus = await wanted(others.map(([, launch]) => launch));
    if (askedVcpus === 0) return undefined;
    const { machines = [] } = before[asker] ?? {};
    return { ...Object.fromEntries(others), [asker]: launchOf(askedVcpus, machines, now) };
  };
  await updateHint(uploads, capacityKeys.launches, launchesSchema, change, TRIES);
}

/**
 * Says what an asker got.
 * @param machines all that it launched
 * @param now milliseconds since the epoch
 */
export async function concludeLaunch(
  uploads: ObjectStore,
  asker: string,
  now: number,
  machines: Launch['machines'],
): Promise<void> {
  const change = (before: z.infer<typeof launchesSchema> = {}) => ({
    ...Object.fromEntries(recentOthers(before, asker, now)),
    ...(machines.length > 0 && { [asker]: launchOf(0, machines, now) }),
  });
  await updateHint(uploads, capacityKeys.launches, launchesSchema, change, TRIES);
}

const launchOf = (askedVcpus: number, machines: Launch['machines'], now: number): Launch => ({
  at: new Date(now).toISOString(),
  askedVcpus,
  machines: machines.map(({ id, vcpus, market }) => ({ id, vcpus, market })),
});
