/** What the checker says: a rule that does not hold, and where. */
import { RULES, type RuleName } from './rules.ts';

/** Where a rule was broken: a playlist, and its line (from 1) where there is one to blame. */
export interface Place {
  readonly playlist: string;
  readonly line?: number | undefined;
}

export interface Finding extends Place {
  readonly rule: RuleName;
  readonly severity: 'error' | 'warning';
  /** The rule's row in docs/conformance.md. */
  readonly section: string;
  /** RFC 8216 and Apple's authoring specification. */
  readonly source: string;
  /** What was found, with its value. */
  readonly message: string;
}

/** A finding of a rule at a place. */
export function finding(rule: RuleName, place: Place, message: string): Finding {
  const { severity, section, source } = RULES[rule];
  const { playlist, line } = place;
  return { rule, severity, section, source, playlist, ...(line !== undefined && { line }), message };
}

/** Findings of one rule in one playlist that are told one by one; a thousand segments break a rule all alike. */
const TOLD = 3;

/** The first few findings of each rule in each playlist; the last of them says how many more there are. */
export function collapse(findings: readonly Finding[]): Finding[] {
  const groups = Map.groupBy(findings, ({ rule, playlist }) => `${rule} ${playlist}`);
  return [...groups.values()].flatMap((group) => {
    const more = group.length - TOLD;
    return group.slice(0, TOLD).map((one, index) => {
      return more > 0 && index === TOLD - 1 ? { ...one, message: `${one.message} (and ${more} more)` } : one;
    });
  });
}

/** What an error says of itself. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
