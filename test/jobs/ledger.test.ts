/** The ledger of machines: what they came to by day, and what may still be launched. */
import { describe, expect, test } from '@jest/globals';
import {
  affordable,
  type Ceilings,
  countedUntil,
  EMPTY_LEDGER,
  ended,
  exceeded,
  heldBack,
  heldBy,
  type Ledger,
  rateOf,
  released,
  resumed,
  spentUntil,
  started,
} from '../../jobs/ledger.ts';

const at = (time: string): number => Date.parse(time.length > 5 ? time : `2026-11-21T${time}:00Z`);
const NOON = at('12:00');
const NO_CEILING: Ceilings = { daily: undefined, monthly: undefined };
const CEILINGS: Ceilings = { daily: 10, monthly: 100 };

/** Machines by what they cost an hour, since then. */
const runs = (usdPerHour: number, since = '10:00', ledger: Ledger = EMPTY_LEDGER): Ledger =>
  started(ledger, { [`i-${usdPerHour}`]: usdPerHour }, at(since));
const spent = (days: Ledger['days']): Ledger => ({ ...EMPTY_LEDGER, days });

describe('what machines came to', () => {
  test('is their time at their price, as long as they run', () => {
    expect(spentUntil(runs(2), NOON)).toEqual({ today: 4, month: 4 });
  });

  test('ends with them', () => {
    const ledger = ended(runs(2), 'i-2', at('10:30'));
    expect(ledger.running).toEqual({});
    expect(spentUntil(ledger, NOON)).toEqual({ today: 1, month: 1 });
  });

  test('is not counted twice, however often it is looked at', () => {
    const looked = ['10:10', '10:10', '11:00'].reduce((sum, time) => countedUntil(sum, at(time)), runs(2));
    expect(spentUntil(looked, NOON).today).toBeCloseTo(4, 10);
    expect(spentUntil(ended(looked, 'i-2', at('10:30')), NOON).today).toBeCloseTo(2, 10); // told of late
  });

  test('lies on the days on which they ran, also over the end of a month', () => {
    const since = started(EMPTY_LEDGER, { a: 1 }, at('2026-10-30T22:00:00Z'));
    const { days } = countedUntil(since, at('2026-11-01T03:00:00Z'));
    expect(days).toEqual({ '2026-10-30': 2, '2026-10-31': 24, '2026-11-01': 3 });
    expect(spentUntil(since, at('2026-11-01T03:00:00Z'))).toEqual({ today: 3, month: 3 });
  });

  test('is forgotten after the month that follows', () => {
    const { days } = countedUntil(spent({ '2026-09-19': 1, '2026-09-21': 2, '2026-11-20': 3 }), NOON);
    expect(Object.keys(days)).toEqual(['2026-09-21', '2026-11-20']);
  });

  test('stays the same object, which nobody has to write, while nothing runs and no day is forgotten', () => {
    const ledger = spent({ '2026-11-20': 3 });
    expect(countedUntil(ledger, NOON)).toBe(ledger);
  });

  test('of a machine that nobody knows is nothing', () => {
    expect(ended(EMPTY_LEDGER, 'i-1', NOON)).toEqual(EMPTY_LEDGER);
  });
});

describe('what may be launched', () => {
  test.each<[string, Ledger, Ceilings, number, string]>([
    ['all of the day, for half an hour', EMPTY_LEDGER, CEILINGS, 20, 'daily'],
    ['what is left of the day', spent({ '2026-11-21': 9 }), CEILINGS, 2, 'daily'],
    ['what is left of the month, where that is less', spent({ '2026-11-01': 99 }), CEILINGS, 2, 'monthly'],
    ['nothing at the ceiling', spent({ '2026-11-21': 10 }), CEILINGS, 0, 'daily'],
    ['nothing above it', spent({ '2026-11-21': 12 }), CEILINGS, 0, 'daily'],
    ['less by what runs', runs(1, '12:00'), CEILINGS, 19, 'daily'],
    ['less by what ran, too', runs(1, '10:00'), CEILINGS, 15, 'daily'],
    ['yesterday is over', spent({ '2026-11-20': 10 }), CEILINGS, 20, 'daily'],
    ['last month is over', spent({ '2026-10-31': 100 }), CEILINGS, 20, 'daily'],
    [
      'anything without ceilings',
      spent({ '2026-11-21': 1e6 }),
      NO_CEILING,
      Number.POSITIVE_INFINITY,
      'daily',
    ],
    [
      'anything on a day for which they are lifted',
      resumed(spent({ '2026-11-21': 10 }), at('09:00')),
      CEILINGS,
      Number.POSITIVE_INFINITY,
      'daily',
    ],
    [
      'not on the day after',
      resumed(spent({ '2026-11-21': 10 }), at('2026-11-20T23:00:00Z')),
      CEILINGS,
      0,
      'daily',
    ],
  ])('%s', (_, ledger, ceilings, usdPerHour, by) => {
    const left = affordable(ledger, ceilings, NOON);
    expect(left.usdPerHour).toBe(usdPerHour);
    expect(left.by).toBe(by);
  });
});

describe('what runs', () => {
  test.each<[string, Ledger, Ceilings, string | undefined]>([
    [
      'goes on while it stays below the ceiling until the next look',
      runs(3.9, '12:00', spent({ '2026-11-21': 9 })),
      CEILINGS,
      undefined,
    ],
    ['ends where it would not', runs(4.1, '12:00', spent({ '2026-11-21': 9 })), CEILINGS, 'daily'],
    ["ends for the month's sake", runs(4.1, '12:00', spent({ '2026-11-02': 99 })), CEILINGS, 'monthly'],
    ['goes on without ceilings', runs(4.1, '12:00', spent({ '2026-11-21': 99 })), NO_CEILING, undefined],
    [
      'goes on where they are lifted',
      resumed(runs(4.1, '12:00', spent({ '2026-11-21': 99 })), NOON),
      CEILINGS,
      undefined,
    ],
  ])('%s', (_, ledger, ceilings, by) => {
    expect(exceeded(ledger, ceilings, NOON)).toBe(by);
  });

  test('could be launched, so it goes on until the next look at least', () => {
    for (const today of [0, 5, 9, 9.9]) {
      const before = spent({ '2026-11-21': today });
      const launched = runs(affordable(before, CEILINGS, NOON).usdPerHour, '12:00', before);
      expect(exceeded(launched, CEILINGS, NOON)).toBeUndefined();
      expect(exceeded(launched, CEILINGS, at('12:14'))).toBeUndefined();
    }
  });
});

describe('a ceiling holds launches back', () => {
  test.each([
    ['daily', '2026-11-21T23:59:00Z', 'daily'],
    ['daily', '2026-11-22T00:00:00Z', undefined],
    ['monthly', '2026-11-30T23:59:00Z', 'monthly'],
    ['monthly', '2026-12-01T00:00:00Z', undefined],
  ] as const)('%s, seen at %s: %s', (by, time, held) => {
    expect(heldBy(heldBack(EMPTY_LEDGER, by, 1, NOON), at(time))).toBe(held);
  });

  test('until it is lifted, and again on the day after it is', () => {
    const monthly = heldBack(EMPTY_LEDGER, 'monthly', 1, NOON);
    const lifted = resumed(monthly, NOON);
    expect(heldBy(lifted, at('23:59'))).toBeUndefined();
    const tomorrow = at('2026-11-22T00:01:00Z');
    expect(heldBy(heldBack(lifted, 'monthly', 1, tomorrow), tomorrow)).toBe('monthly');
  });

  const NINE_SPENT = spent({ '2026-11-21': 9 });
  const refused = heldBack(runs(1.9, '12:00', NINE_SPENT), 'daily', 0.2, NOON);
  const stopping = runs(8, '12:00', NINE_SPENT);
  const stopped = heldBack(stopping, 'daily', rateOf(stopping), NOON);

  test.each<[string, Ledger, Ceilings, string | undefined]>([
    ['a launch for which there is not enough', refused, CEILINGS, 'daily'],
    [
      'that launch no more when a machine ended and left enough',
      ended(refused, 'i-1.9', NOON),
      CEILINGS,
      undefined,
    ],
    ['what was ended, though less of it could be paid', ended(stopped, 'i-8', NOON), CEILINGS, 'daily'],
    [
      'it no more when the ceiling is raised',
      ended(stopped, 'i-8', NOON),
      { ...CEILINGS, daily: 20 },
      undefined,
    ],
    [
      'it still when it is raised by too little',
      ended(stopped, 'i-8', NOON),
      { ...CEILINGS, daily: 11 },
      'daily',
    ],
    ['it no more without ceilings', ended(stopped, 'i-8', NOON), NO_CEILING, undefined],
  ])('%s', (_, ledger, ceilings, by) => {
    expect(heldBy(released(ledger, ceilings, NOON), NOON)).toBe(by);
  });

  test('for what was ended, whatever is refused besides', () => {
    expect(heldBack(stopped, 'daily', 0.2, NOON)).toBe(stopped);
    expect(heldBack(refused, 'daily', 8, NOON).held?.usdPerHour).toBe(8);
  });

  test('is said once a day', () => {
    const held = heldBack(EMPTY_LEDGER, 'daily', 1, NOON);
    expect(heldBack(held, 'daily', 1, at('13:00'))).toBe(held);
  });
});
