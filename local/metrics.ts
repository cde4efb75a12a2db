/**
 * The platform's metrics on a laptop: the page `/metrics`, made of the same log lines that CloudWatch reads its metrics
 * from, of the queues' ages, which SQS itself would tell, and of the last videos' traces.
 */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { METRICS, type Metric, type MetricName } from '../jobs/metrics.ts';
import { escaped, table } from './html.ts';
import type { Sqs } from './sqs/sqs.ts';
import { type TitledTrace, TRACE_STYLE, tracesSection } from './traces.ts';

/** One value that was measured. */
export interface Measured {
  readonly name: MetricName;
  /** What it is counted by, where the table says so: a code, a function. */
  readonly by: string | undefined;
  readonly value: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** A queue as it is now. */
export interface QueueNow {
  readonly name: string;
  readonly messages: number;
  /** Of the oldest message. */
  readonly ageSeconds: number;
}

const lineSchema = z.looseObject({ _aws: z.object({ Timestamp: z.number() }) });

/** The metrics of a log line; none where it carries none, or is no line of ours. */
function measuredIn(line: string): Measured[] {
  if (!line.includes('"_aws"')) return [];
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return []; // a function's stack trace, say
  }
  const fields = lineSchema.safeParse(json).data;
  if (!fields) return [];
  return Object.entries(METRICS).flatMap(([name, { by }]: [string, Metric]) => {
    const value = fields[name];
    const counted = by === undefined ? undefined : fields[by];
    if (typeof value !== 'number') return [];
    const measured = {
      value,
      at: fields._aws.Timestamp,
      by: counted === undefined ? undefined : String(counted),
    };
    return [{ name: name as MetricName, ...measured }]; // a key of the table
  });
}

/** The log files that CloudWatch would get: functions' as printed, workers' as sent. */
async function filesOf(dataDir: string): Promise<string[]> {
  const folders = ['logs', 'worker-logs'].map(async (name) => {
    const folder = join(dataDir, name);
    return (await readdir(folder)).map((file) => join(folder, file));
  });
  const files = (await Promise.all(folders)).flat();
  // What instances print is what they send.
  return files.filter((file) => !(file.startsWith(join(dataDir, 'logs')) && basename(file).startsWith('i-')));
}

/** Everything that the logs of a data folder have measured. */
export async function readMeasured(dataDir: string): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const file of await filesOf(dataDir))
    for await (const line of createInterface({ input: createReadStream(file) }))
      measured.push(...measuredIn(line));
  return measured;
}

/** How queues stand. */
export const queuesNow = (sqs: Sqs, queues: readonly { readonly name: string }[]): QueueNow[] =>
  queues.map(({ name }) => {
    const ages = sqs.messages(name).map(({ sentAt }) => (Date.now() - sentAt) / 1000);
    return { name, messages: ages.length, ageSeconds: Math.max(0, ...ages) };
  });

const HOUR = 3_600_000;
/** The page's columns: milliseconds before now. */
const PERIODS = [
  ['Last hour', HOUR],
  ['Last day', 24 * HOUR],
  ['In all', Number.POSITIVE_INFINITY],
] as const;

const SUMMARIES: Readonly<Record<Metric['statistic'], (values: readonly number[]) => number>> = {
  Sum: (values) => values.reduce((sum, value) => sum + value, 0),
  Average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  Maximum: (values) => values.reduce((most, value) => Math.max(most, value)),
};

const shown = (value: number): string => String(Number(value.toPrecision(3)));

/** Markup of what the table of metrics has between backticks. */
const withCode = (text: string): string => text.replaceAll(/`([^`]+)`/g, '<code>$1</code>');

/** A row: a metric, or what of it has one code or function. */
function row(
  title: string,
  { statistic, unit, meaning }: Metric,
  measured: readonly Measured[],
  now: number,
) {
  const cells = PERIODS.map(([, length]) => {
    const values = measured.filter(({ at }) => now - at < length).map(({ value }) => value);
    return `<td>${values.length === 0 ? '–' : shown(SUMMARIES[statistic](values))}</td>`;
  });
  const what = [statistic, ...(unit === 'Seconds' ? ['seconds'] : [])].join(', ');
  return `<tr><th>${escaped(title)}</th>${cells.join('')}<td>${what}</td><td>${withCode(escaped(meaning))}</td></tr>`;
}

function rowsOf([name, metric]: [string, Metric], measured: readonly Measured[], now: number): string[] {
  const own = measured.filter((one) => one.name === name);
  const groups = [...Map.groupBy(own, ({ by }) => by)].filter(([by]) => by !== undefined);
  return [
    row(name, metric, own, now),
    ...groups.map(([by, group]) => row(`${name}: ${by}`, metric, group, now)),
  ];
}

/** The page. @param now milliseconds since 1970 */
export function metricsPage(
  measured: readonly Measured[],
  queues: readonly QueueNow[],
  traces: readonly TitledTrace[],
  now: number,
): string {
  const metrics = Object.entries<Metric>(METRICS).flatMap((entry) => rowsOf(entry, measured, now));
  const waiting = queues.map(
    ({ name, messages, ageSeconds }) =>
      `<tr><th>${escaped(name)}</th><td>${messages}</td><td>${shown(ageSeconds)}</td></tr>`,
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Spotreel: metrics</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; overflow-x: auto; }
  table { border-collapse: collapse; margin: 1rem 0 2rem; }
  th, td { border-bottom: 1px solid #8886; padding: 0.3rem 0.8rem; text-align: left; }
  td:nth-child(6) { min-width: 16rem; }
  td:nth-child(n + 2):nth-child(-n + 4) { font-variant-numeric: tabular-nums; text-align: right; }${TRACE_STYLE}
</style>
<h1>Metrics</h1>
${table(['Metric', ...PERIODS.map(([title]) => title), 'Summed up as', 'What it is'], metrics)}
<h2>Queues now</h2>
${table(['Queue', 'Messages', 'Age of the oldest, seconds'], waiting)}
${tracesSection(traces)}
</html>
`;
}
