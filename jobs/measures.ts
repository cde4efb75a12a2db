/** What is measured of an encode that has just been published. */
import { durationOf } from '../video/plan.ts';
import { readClaim } from './claim.ts';
import type { Encode } from './messages.ts';
import { readPlan } from './progress.ts';
import { readRequests } from './requests.ts';
import { readSpent } from './spent.ts';
import type { ObjectStore } from './store.ts';

/** Metrics of an encode that plays from now on; none of one that was deleted meanwhile. */
export async function measuresOf(uploads: ObjectStore, encode: Encode, now = new Date()) {
  const [claim, plan, spent, requests] = await Promise.all([
    readClaim(uploads, encode.video),
    readPlan(uploads, encode),
    readSpent(uploads, encode),
    readRequests(uploads, encode.video),
  ]);
  if (!claim || !plan || !spent) return {};
  // An upload asks for its first revision by itself, once its event has come.
  const asked = requests.length > 1 ? requests.at(-1)?.requestedAt : undefined;
  const minutes = durationOf(plan) / 60;
  return {
    Turnaround: (now.getTime() - Date.parse(asked ?? claim.uploadedAt)) / 1000,
    CpuPerMinute: spent.cpuSeconds / minutes,
    ...(spent.bill && { CostPerMinute: spent.bill.machinesUsd / minutes }),
  };
}
