/** What a look at something found, as `deploy` and `doctor` print it. */

export interface Checked {
  /** `stop`: it would fail. `note`: it works, with less than it could have. */
  readonly verdict: 'good' | 'note' | 'stop';
  readonly sentence: string;
  /** What to do, as a command where there is one. */
  readonly fix?: string;
}

const MARKS = { good: 'ok  ', note: 'note', stop: 'STOP' } as const;

export const good = (sentence: string): Checked => ({ verdict: 'good', sentence });

export const checkedText = ({ verdict, sentence, fix }: Checked): string =>
  fix === undefined ? `${MARKS[verdict]}  ${sentence}` : `${MARKS[verdict]}  ${sentence}\n      ${fix}`;

export const mustStop = (all: readonly Checked[]): boolean => all.some(({ verdict }) => verdict === 'stop');

/** AWS's name of an error; its message may hold more than anybody should see. */
export const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'an error');

/** What could not be looked at is no reason not to try. */
export async function looked(what: string, look: () => Promise<Checked>): Promise<Checked> {
  try {
    return await look();
  } catch (error) {
    return { verdict: 'note', sentence: `${what} could not be looked at: AWS answered ${nameOf(error)}` };
  }
}
