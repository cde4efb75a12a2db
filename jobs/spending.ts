/**
 * The spending guard: `spending/ledger.json`, replaced by conditional writes, counts what machines cost. Whoever wants to
 * launch asks first, and gets no more than the owner's ceilings leave; the queue waits then, until the day or the month is
 * over or `spotreel resume` lifts them for the day.
 */
import { type EC2Client, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { besideComputing } from '../video/prices.ts';
import { batchesOf } from './batches.ts';
import { type LaunchedMachine, type Machine, presentInstances, vcpusOf } from './fleet.ts';
import { updateHint } from './hints.ts';
import {
  affordable,
  countedUntil,
  dayOf,
  dearestHour,
  EMPTY_LEDGER,
  ended,
  exceeded,
  type HeldBy,
  heldBack,
  heldBy,
  type Ledger,
  ledgerSchema,
  rateOf,
  released,
  resumed,
  type SpendingSettings,
  type Spent,
  spentUntil,
  started,
  withdrawn,
} from './ledger.ts';
import { log } from './log.ts';
import { logMetrics } from './metrics.ts';
import { LEDGER_KEY } from './names.ts';
import { spotPrices } from './spot-prices.ts';
import type { ObjectStore } from './store.ts';

/** Machines are not listed for so many milliseconds after their launch, at most. */
const UNLISTED_MS = 60_000;
/** Tries to note that a machine ended, beside others that end: mend counts those that could not be. */
const END_TRIES = 6;

/** Machines of one TerminateInstances; EC2 advises to end no more than 1000 at once. */
const ENDED_AT_ONCE = 500;

/** The entry of what was asked for and not answered yet. */
const askedBy = (asker: string): string => `asked-${asker}`;

/** Changes the ledger; does not write one that stays the same. */
const change = (uploads: ObjectStore, changed: (ledger: Ledger) => Ledger): Promise<boolean> =>
  uploads.updateJson(LEDGER_KEY, ledgerSchema, (ledger = EMPTY_LEDGER) => {
    const after = changed(ledger);
    return after === ledger ? undefined : after;
  });

/**
 * Sets aside what a launch may cost.
 * @param wanted vCPUs
 * @param smallest vCPUs of the smallest machine
 * @param now milliseconds since the epoch
 * @returns the vCPUs that may be launched; none where a ceiling leaves less than the smallest machine costs, or holds
 */
export async function reserve(
  uploads: ObjectStore,
  settings: SpendingSettings,
  asker: string,
  { wanted, smallest }: { readonly wanted: number; readonly smallest: number },
  now: number,
): Promise<number> {
  let allowed = 0;
  let by: HeldBy = 'daily';
  await change(uploads, (before) => {
    allowed = 0;
    const ledger = released(before, settings.ceilings, now);
    const held = heldBy(ledger, now);
    if (held !== undefined) {
      by = held;
      return ledger;
    }
    const left = affordable(ledger, settings.ceilings, now);
    const least = dearestHour(settings, smallest);
    // Each machine has a disk and an address; the smaller they are, the more of them come with so many vCPUs.
    const perVcpu = least / smallest;
    const vcpus = Math.min(wanted, Math.floor(left.usdPerHour / perVcpu));
    if (vcpus < smallest) {
      by = left.by;
      return heldBack(ledger, by, least, now);
    }
    allowed = vcpus;
    return started(ledger, { [askedBy(asker)]: allowed * perVcpu }, now);
  });
  if (allowed === 0)
    logMetrics('error', 'spending-held', { by, ...settings.ceilings }, { CeilingReached: 1 });
  return allowed;
}

/**
 * Counts what a launch got in the place of what was set aside for it. Never throws, for the machines run: where they can not
 * be counted now, mend does so by what EC2 lists.
 */
export async function countLaunched(
  ec2: EC2Client,
  uploads: ObjectStore,
  settings: SpendingSettings,
  asker: string,
  machines: readonly LaunchedMachine[],
  now: number,
): Promise<void> {
  const types = machines.flatMap(({ market, type }) => (market === 'spot' ? type : []));
  const prices = await spotPrices(ec2, [...new Set(types)]);
  const beside = besideComputing(settings.prices, settings.diskGigabytes);
  const usdPerHour = ({ market, type, vcpus }: LaunchedMachine) => {
    const spot = market === 'spot' ? prices.get(type) : undefined;
    return spot === undefined ? dearestHour(settings, vcpus) : spot + beside;
  };
  const running = Object.fromEntries(machines.map((machine) => [machine.id, usdPerHour(machine)]));
  const count = change(uploads, (ledger) => started(withdrawn(ledger, askedBy(asker)), running, now));
  await count.catch((error: unknown) => log('error', 'machines-not-counted', { error: String(error) }));
}

/** Counts a machine's time until it ended, if it is one of ours that was counted. Never throws. */
export async function countEnd(uploads: ObjectStore, id: Machine['id'], at: Date): Promise<void> {
  await updateHint(
    uploads,
    LEDGER_KEY,
    ledgerSchema,
    (ledger) => (ledger?.running[id] ? ended(ledger, id, at.getTime()) : undefined),
    END_TRIES,
  );
}

export interface SpendingMender {
  readonly ec2: EC2Client;
  readonly uploads: ObjectStore;
  readonly platform: string;
  readonly spending: SpendingSettings;
  readonly now: Date;
}

/**
 * Sets the ledger right by what EC2 lists, and ends all machines where a ceiling would be exceeded before the next look:
 * their workers hand their tasks back.
 * @returns the ceiling that holds launches back, if one does
 */
export async function mendSpending(mender: SpendingMender): Promise<HeldBy | undefined> {
  const { ec2, uploads, platform, spending } = mender;
  const now = mender.now.getTime();
  const listed = new Map<string, { readonly usdPerHour: number; readonly since: number }>();
  for await (const instance of presentInstances(ec2, platform)) {
    const { InstanceId = '', LaunchTime = mender.now } = instance; // never sent without, though typed so
    listed.set(InstanceId, {
      usdPerHour: dearestHour(spending, vcpusOf(instance)),
      since: LaunchTime.getTime(),
    });
  }
  let by: HeldBy | undefined;
  let stop: HeldBy | undefined;
  await change(uploads, (before) => {
    const ledger = countedUntil(setRight(before, listed, now), now);
    stop = exceeded(ledger, spending.ceilings, now);
    const after =
      stop === undefined
        ? released(ledger, spending.ceilings, now)
        : heldBack(ledger, stop, rateOf(ledger), now);
    by = heldBy(after, now);
    return after;
  });
  if (stop !== undefined && listed.size > 0) {
    const fields = { by: stop, ...spending.ceilings, machines: listed.size };
    logMetrics('error', 'spending-ceiling-reached', fields, { CeilingReached: 1 });
    await end(ec2, [...listed.keys()]);
  }
  return by;
}

/** Ends machines. Never throws, for what waits must be known as held all the same: mend ends at its next look what is left. */
async function end(ec2: EC2Client, ids: readonly string[]): Promise<void> {
  for (const InstanceIds of batchesOf(ids, ENDED_AT_ONCE)) {
    await ec2.send(new TerminateInstancesCommand({ InstanceIds })).catch((error: unknown) => {
      const fields = { machines: InstanceIds.length, error: String(error) };
      logMetrics('error', 'machines-not-ended', fields, { FunctionErrors: 1 });
    });
  }
}

/** Machines that nobody counted run since their launch; those that are gone ended now, at the latest. */
function setRight(
  ledger: Ledger,
  listed: ReadonlyMap<string, { readonly usdPerHour: number; readonly since: number }>,
  now: number,
): Ledger {
  let right = ledger;
  for (const [id, { usdPerHour, since }] of listed)
    if (!ledger.running[id]) right = started(right, { [id]: usdPerHour }, since);
  for (const [id, { countedUntil: counted }] of Object.entries(ledger.running)) {
    if (listed.has(id) || now - Date.parse(counted) < UNLISTED_MS) continue;
    right = id.startsWith(askedBy('')) ? withdrawn(right, id) : ended(right, id, now);
  }
  return right;
}

/** What was spent, and whether a ceiling holds launches back. */
export interface Spending extends Spent {
  readonly heldBy: HeldBy | undefined;
  /** The ceilings are lifted for today. */
  readonly resumed: boolean;
}

/** @param now milliseconds since the epoch */
export async function readSpending(uploads: ObjectStore, now: number): Promise<Spending> {
  return spendingOf((await uploads.getJson(LEDGER_KEY, ledgerSchema)) ?? EMPTY_LEDGER, now);
}

const spendingOf = (ledger: Ledger, now: number): Spending => ({
  ...spentUntil(ledger, now),
  heldBy: heldBy(ledger, now),
  resumed: ledger.resumed === dayOf(now),
});

/** Lifts the ceilings until the day ends. The sweep launches what is wanted within a minute. */
export async function resumeSpending(uploads: ObjectStore, now: number): Promise<Spending> {
  let ledger = EMPTY_LEDGER;
  await change(uploads, (before) => {
    ledger = resumed(before, now);
    return ledger;
  });
  return spendingOf(ledger, now);
}
