/** `spotreel spending` and `spotreel resume`: what machines cost, and what they may. */
import type { Command } from 'commander';
import type { SpendingAnswer } from '../api/client/index.ts';
import { clientOf, print, type RemoteOptions, remoteCommand } from './remote.ts';
import { columns, money } from './text.ts';

const CEILINGS = {
  daily: 'the daily ceiling holds launches back until midnight, UTC',
  monthly: 'the monthly ceiling holds launches back until the month is over, UTC',
} as const;

/** What was spent of what may be. */
export function spendingText(spending: SpendingAnswer): string {
  const { today, month, dailyCeiling, monthlyCeiling, heldBy, resumed } = spending;
  const of = (ceiling: number | undefined) => (ceiling === undefined ? 'no ceiling' : `of ${money(ceiling)}`);
  const notes = [
    ...(heldBy === undefined ? [] : [`${CEILINGS[heldBy]}; spotreel resume lifts it for today`]),
    ...(resumed ? ['the ceilings are lifted for today'] : []),
  ];
  const rows = [
    ['  today', money(today), of(dailyCeiling)],
    ['  this month', money(month), of(monthlyCeiling)],
  ];
  return [columns(rows), ...notes.map((note) => `  ${note}`)].join('\n');
}

/** Adds the commands. */
export function addSpending(program: Command): void {
  remoteCommand(
    program,
    'spending',
    'show what machines cost today and this month, and what they may',
  ).action(async (options: RemoteOptions) => {
    print(options, await clientOf(options).showSpending(), spendingText);
  });

  remoteCommand(program, 'resume', 'lift the spending ceilings until the day ends, by UTC').action(
    async (options: RemoteOptions) => {
      print(options, await clientOf(options).resumeSpending(), spendingText);
    },
  );
}
