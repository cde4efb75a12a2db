/**
 * The ledger of machines: what each costs that runs, and what all came to by day. Days and months are UTC's, money is US
 * dollars. Pure; jobs/spending.ts keeps it.
 */
import { z } from 'zod';
import { besideComputing, type Prices } from '../video/prices.ts';
import { MEND_MINUTES } from './platform.ts';

const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** What may be spent. Without a ceiling, as much as is needed. */
export interface Ceilings {
  readonly daily: number | undefined;
  readonly monthly: number | undefined;
}

/** What a machine is paid by. */
export interface MachinePrices {
  readonly prices: Prices;
  /** Of a machine's disk. */
  readonly diskGigabytes: number;
}

/** What the guard goes by. */
export interface SpendingSettings extends MachinePrices {
  readonly ceilings: Ceilings;
}

/** Dollars an hour that a machine costs at most: no spot machine costs more than one on demand. */
export const dearestHour = ({ prices, diskGigabytes }: MachinePrices, vcpus: number): number =>
  vcpus * prices.dearestVcpuHour + besideComputing(prices, diskGigabytes);

/** Which ceiling holds launches back. */
export const heldBySchema = z.enum(['daily', 'monthly']);
export type HeldBy = z.infer<typeof heldBySchema>;

/** A machine that runs, or what was asked for and is not told yet. */
const runningSchema = z.object({
  usdPerHour: z.number().nonnegative(),
  /** Its time until then is counted in `days`. */
  countedUntil: z.iso.datetime(),
});
export type Running = z.infer<typeof runningSchema>;

export const ledgerSchema = z.object({
  /** What machines came to, by day: `2026-11-21`. */
  days: z.record(z.string(), z.number().nonnegative()),
  running: z.record(z.string(), runningSchema),
  /** The day for which its owner lifted the ceilings. */
  resumed: z.string().exactOptional(),
  /** That a ceiling holds launches back: until more than so many dollars an hour are affordable, or its day or month is over. */
  held: z.object({ by: heldBySchema, day: z.string(), usdPerHour: z.number().nonnegative() }).exactOptional(),
});
export type Ledger = z.infer<typeof ledgerSchema>;

export const EMPTY_LEDGER: Ledger = { days: {}, running: {} };

/** Days that are remembered: this month and the one before it. */
const KEPT_DAYS = 62;

/** @param now milliseconds since the epoch */
export const dayOf = (now: number): string => new Date(now).toISOString().slice(0, 10);
const monthOf = (day: string): string => day.slice(0, 7);

/** Milliseconds of a stretch by the days on which they lie. */
function* byDay(from: number, until: number): Generator<readonly [day: string, ms: number]> {
  for (let at = from; at < until; ) {
    const next = Math.min(until, (Math.floor(at / DAY_MS) + 1) * DAY_MS);
    yield [dayOf(at), next - at];
    at = next;
  }
}

/** The ledger with a machine's time counted until then. */
function counted(ledger: Ledger, id: string, until: number): Ledger {
  const machine = ledger.running[id];
  if (!machine) return ledger;
  const days = { ...ledger.days };
  const from = Date.parse(machine.countedUntil);
  for (const [day, ms] of byDay(from, until))
    days[day] = (days[day] ?? 0) + (ms / HOUR_MS) * machine.usdPerHour;
  const countedUntil = new Date(Math.max(from, until)).toISOString();
  return { ...ledger, days, running: { ...ledger.running, [id]: { ...machine, countedUntil } } };
}

function without(ledger: Ledger, id: string): Ledger {
  const { [id]: _, ...running } = ledger.running;
  return { ...ledger, running };
}

/** The ledger after a machine has ended. @param at milliseconds since the epoch */
export const ended = (ledger: Ledger, id: string, at: number): Ledger => without(counted(ledger, id, at), id);

/** The ledger with machines that run from now on. */
export const started = (ledger: Ledger, machines: Readonly<Record<string, number>>, now: number): Ledger => ({
  ...ledger,
  running: {
    ...ledger.running,
    ...Object.fromEntries(
      Object.entries(machines).map(([id, usdPerHour]) => [
        id,
        { usdPerHour, countedUntil: new Date(now).toISOString() },
      ]),
    ),
  },
});

/** The ledger without what was asked for and not got: nothing of it ran. */
export const withdrawn = without;

/** Everything that runs is counted until now, and days of long ago are forgotten. The same ledger where there is neither. */
export function countedUntil(ledger: Ledger, now: number): Ledger {
  const all = Object.keys(ledger.running).reduce((sum, id) => counted(sum, id, now), ledger);
  const oldest = dayOf(now - KEPT_DAYS * DAY_MS);
  const days = Object.entries(all.days);
  const kept = days.filter(([day]) => day >= oldest);
  return kept.length === days.length ? all : { ...all, days: Object.fromEntries(kept) };
}

/** What machines came to until now. */
export interface Spent {
  readonly today: number;
  readonly month: number;
}

export function spentUntil(ledger: Ledger, now: number): Spent {
  const { days } = countedUntil(ledger, now);
  const today = dayOf(now);
  const month = Object.entries(days).filter(([day]) => monthOf(day) === monthOf(today));
  return { today: days[today] ?? 0, month: month.reduce((sum, [, usd]) => sum + usd, 0) };
}

/** Dollars an hour of all that runs. */
export const rateOf = ({ running }: Ledger): number =>
  Object.values(running).reduce((sum, { usdPerHour }) => sum + usdPerHour, 0);

/**
 * Hours for which a machine must be affordable: to launch it, and to let it run. Mend looks each quarter of an hour whether
 * what runs is still affordable until its next look, so that no ceiling is exceeded in between; a launch must be so for
 * twice as long, or it would be ended before it did anything.
 */
const LOOK_HOURS = MEND_MINUTES / 60;
const LAUNCH_HOURS = 2 * LOOK_HOURS;

/** The ceiling in dollars under which no machine of so many vCPUs is ever launched. */
export const leastCeiling = (prices: MachinePrices, vcpus: number): number =>
  LAUNCH_HOURS * dearestHour(prices, vcpus);

/** What may still be spent, and under which ceiling that is; without end where nothing holds. */
function left(ledger: Ledger, { daily, monthly }: Ceilings, now: number): { usd: number; by: HeldBy } {
  if (ledger.resumed === dayOf(now)) return { usd: Number.POSITIVE_INFINITY, by: 'daily' };
  const { today, month } = spentUntil(ledger, now);
  const ofDay = (daily ?? Number.POSITIVE_INFINITY) - today;
  const ofMonth = (monthly ?? Number.POSITIVE_INFINITY) - month;
  return ofMonth < ofDay ? { usd: ofMonth, by: 'monthly' } : { usd: ofDay, by: 'daily' };
}

/** Dollars an hour that may be launched besides what runs, and the ceiling that says so. */
export function affordable(
  ledger: Ledger,
  ceilings: Ceilings,
  now: number,
): { readonly usdPerHour: number; readonly by: HeldBy } {
  const { usd, by } = left(ledger, ceilings, now);
  return { usdPerHour: Math.max(0, usd / LAUNCH_HOURS - rateOf(ledger)), by };
}

/** The ceiling that what runs would exceed before anybody looks again; undefined where it would not. */
export function exceeded(ledger: Ledger, ceilings: Ceilings, now: number): HeldBy | undefined {
  const { usd, by } = left(ledger, ceilings, now);
  return usd < rateOf(ledger) * LOOK_HOURS ? by : undefined;
}

/**
 * The ledger that says that a ceiling holds launches back.
 * @param usdPerHour what can not be paid: the smallest machine, where a launch was refused; where machines were ended, all
 *   that ran, so that what is left does not launch fewer of them, and fewer again, each to be ended with what it has in hand
 */
export function heldBack(ledger: Ledger, by: HeldBy, usdPerHour: number, now: number): Ledger {
  const { held } = ledger;
  const day = dayOf(now);
  if (held?.by === by && held.day === day && held.usdPerHour >= usdPerHour) return ledger;
  return { ...ledger, held: { by, day, usdPerHour } };
}

/** The ledger that holds nothing back any more where what is held can be paid: machines ended, or a ceiling was raised. */
export function released(ledger: Ledger, ceilings: Ceilings, now: number): Ledger {
  const { held, ...rest } = ledger;
  return held && affordable(ledger, ceilings, now).usdPerHour > held.usdPerHour ? rest : ledger;
}

/** The ledger whose ceilings are lifted until the day ends. */
export function resumed({ held: _, ...ledger }: Ledger, now: number): Ledger {
  return { ...ledger, resumed: dayOf(now) };
}

/** Which ceiling holds launches back at this moment: a day's ends with the day, a month's with the month. */
export function heldBy({ held, resumed: lifted }: Ledger, now: number): HeldBy | undefined {
  const today = dayOf(now);
  if (!held || lifted === today) return undefined;
  const isOver = held.by === 'daily' ? held.day !== today : monthOf(held.day) !== monthOf(today);
  return isOver ? undefined : held.by;
}
