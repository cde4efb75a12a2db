/** The conformance checker, for whatever tree a test has made. */
import { checkStream } from '../../check/check.ts';
import type { RuleName } from '../../check/rules.ts';
import { httpReader } from '../../cli/http-reader.ts';

/** Warnings to others, and faults of ours: what a stream says of its bit rates is measured. */
const OURS: ReadonlySet<string> = new Set<RuleName>(['peak-exact', 'average-exact']);

/** What breaks the standard in the stream at a URL, a line each; and what could not be checked. */
export async function violations(url: string): Promise<string[]> {
  const { findings, unchecked } = await checkStream(httpReader, url);
  const errors = findings.filter(({ severity, rule }) => severity === 'error' || OURS.has(rule));
  return [
    ...errors.map(({ rule, playlist, line, message }) => `${rule} ${playlist}:${line} ${message}`),
    ...unchecked,
  ];
}
