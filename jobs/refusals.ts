/** Pools that had no machine lately: remembered for a while, so that a fleet looks elsewhere first. */
import { z } from 'zod';
import type { Market } from './fleet.ts';
import { readHint, updateHint } from './hints.ts';
import { classify, type Refusal } from './launch-errors.ts';
import { capacityKeys } from './names.ts';
import type { ObjectStore } from './store.ts';

/** How long a pool is left out. Karpenter found three minutes right: long enough to move on, short enough to return. */
export const REFUSAL_MILLISECONDS = 3 * 60_000;

/** When each pool refused last: ISO 8601 by `poolName`. */
const refusalsSchema = z.record(z.string(), z.iso.datetime());

/** A pool as it is remembered. Spot machines and on-demand ones run out separately. */
export const poolName = (market: Market, { type, subnetId }: NonNullable<Refusal['pool']>): string =>
  `${market} ${type} ${subnetId}`;

/** The names of the pools among refusals that refused for a reason of their own. */
export function refusedPools(market: Market, refusals: readonly Refusal[]): string[] {
  return refusals.flatMap(({ code, pool }) =>
    pool && classify(code).ownPool ? [poolName(market, pool)] : [],
  );
}

/** Those of a record that still count. */
const recent = (refusals: z.infer<typeof refusalsSchema>, now: number) =>
  Object.entries(refusals).filter(([, at]) => now - Date.parse(at) < REFUSAL_MILLISECONDS);

/**
 * The pools that refused lately, by `poolName`.
 * @param now milliseconds since the epoch
 */
export async function recentRefusals(uploads: ObjectStore, now: number): Promise<Set<string>> {
  const refusals = (await readHint(uploads, capacityKeys.refusals, refusalsSchema)) ?? {};
  return new Set(recent(refusals, now).map(([pool]) => pool));
}

/**
 * Remembers pools that refused, and forgets those whose time is over.
 * @param now milliseconds since the epoch
 */
export async function rememberRefusals(
  uploads: ObjectStore,
  pools: readonly string[],
  now: number,
): Promise<void> {
  const at = new Date(now).toISOString();
  await updateHint(uploads, capacityKeys.refusals, refusalsSchema, (before = {}) =>
    Object.fromEntries([...recent(before, now), ...pools.map((pool) => [pool, at])]),
  );
}
