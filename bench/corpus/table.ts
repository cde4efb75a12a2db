/** The corpus's outcomes as a table. */
import { framesOut, judge } from './judge.ts';
import type { Outcome } from './run.ts';

/** One file, as `--json` prints it. */
export interface Row {
  readonly file: string;
  readonly classes: readonly string[];
  readonly state: string;
  readonly expected: string;
  readonly findings: readonly string[];
  readonly failure: string;
  readonly seconds: number;
  /** Frames decoded of the source, and of the highest rung. */
  readonly framesIn: number | undefined;
  readonly framesOut: number | undefined;
  /** Milliseconds by which sound comes later than in the source, at the beginning and at the end. */
  readonly driftMs: { readonly begin: number | undefined; readonly end: number | undefined } | undefined;
  readonly conformance: number | undefined;
  readonly decode: number | undefined;
  readonly wrong: readonly string[];
}

export function rowOf(outcome: Outcome): Row {
  const { entry, state, failure, seconds, playing } = outcome;
  const drift = playing?.drift;
  const ms = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1000);
  return {
    file: entry.file,
    classes: entry.classes,
    state,
    expected: `${entry.expected}${entry.tolerance === null ? '' : `, ${entry.tolerance}`}`,
    findings: [...new Set(playing?.findings.map(({ code }) => code))],
    failure: failure?.code ?? '',
    seconds: Math.round(seconds * 10) / 10,
    framesIn: playing?.framesIn,
    framesOut: playing && framesOut(playing),
    driftMs: drift && { begin: ms(drift.begin), end: ms(drift.end) },
    conformance: playing?.violations.length,
    decode: playing?.decodeErrors.length,
    wrong: judge(outcome),
  };
}

type Cell = string | number | undefined;

const COLUMNS: readonly (readonly [title: string, of: (row: Row) => Cell])[] = [
  ['file', ({ file }) => file],
  ['class', ({ classes }) => classes.join(' ')],
  ['state', ({ state }) => state],
  ['expected', ({ expected }) => expected],
  ['findings', ({ findings }) => findings.join(' ')],
  ['failure', ({ failure }) => failure],
  ['s', ({ seconds }) => seconds.toFixed(1)],
  ['in', ({ framesIn }) => framesIn],
  ['out', ({ framesOut }) => framesOut],
  ['a/v ms', ({ driftMs }) => driftMs && `${driftMs.begin ?? '-'} ${driftMs.end ?? '-'}`],
  ['conf', ({ conformance }) => conformance],
  ['dec', ({ decode }) => decode],
  ['', ({ wrong }) => (wrong.length > 0 ? 'WRONG' : '')],
];

/** Columns as wide as their widest cell; below them, what is wrong. */
export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map((row) => COLUMNS.map(([, of]) => String(of(row) ?? '')));
  const lines = [COLUMNS.map(([title]) => title), ...cells];
  const widths = COLUMNS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const text = lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const wrong = rows.flatMap(({ file, wrong: problems }) => problems.map((problem) => `${file}: ${problem}`));
  return [...text, ...(wrong.length > 0 ? ['', ...wrong] : [])].join('\n');
}
