/** Quotas that were used up lately: remembered for a while, so that they are not felt out again by every sweep. */
import { z } from 'zod';
import type { Market } from './fleet.ts';
import { readHint, updateHint } from './hints.ts';
import { capacityKeys } from './names.ts';
import type { ObjectStore } from './store.ts';

/** How long a quota counts as it showed itself; others may end machines that share it, or AWS may raise it. */
export const QUOTA_MILLISECONDS = 3 * 60_000;

const quotaSchema = z.object({
  at: z.iso.datetime(),
  /** vCPUs of ours that it let run. */
  vcpus: z.int().nonnegative(),
});
const quotasSchema = z.partialRecord(z.enum(['spot', 'on-demand']), quotaSchema);
export type Quotas = Partial<Record<Market, number>>;

/**
 * vCPUs of ours that a market's quota lets run, of those that were used up lately.
 * @param now milliseconds since the epoch
 */
export async function recentQuotas(uploads: ObjectStore, now: number): Promise<Quotas> {
  const quotas = (await readHint(uploads, capacityKeys.quotas, quotasSchema)) ?? {};
  const recent = Object.entries(quotas).filter(([, { at }]) => now - Date.parse(at) < QUOTA_MILLISECONDS);
  return Object.fromEntries(recent.map(([market, { vcpus }]) => [market, vcpus]));
}

/**
 * Remembers how much a quota that is used up lets run.
 * @param now milliseconds since the epoch
 */
export async function rememberQuota(
  uploads: ObjectStore,
  market: Market,
  vcpus: number,
  now: number,
): Promise<void> {
  const at = new Date(now).toISOString();
  await updateHint(uploads, capacityKeys.quotas, quotasSchema, (before = {}) => ({
    ...before,
    [market]: { at, vcpus },
  }));
}
