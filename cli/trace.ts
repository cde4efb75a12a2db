/** `spotreel trace`: what a video's encode did from upload to publish, and what it waited for. */
import type { Command } from 'commander';
import type { TraceAnswer } from '../api/client/index.ts';
import { otlpOf } from '../video/trace/otlp.ts';
import { type Row, rowsOf, summaryOf, waitedFor } from '../video/trace/rows.ts';
import { clientOf, print, type RemoteOptions, videoCommand } from './remote.ts';
import { columns } from './text.ts';

/** Characters of the chart. */
const WIDTH = 40;
const BARS = { video: '=', work: '█', wait: '·' } as const;

/** A row's place in the whole: a character at least. */
function barOf({ kind, from, share }: Row): string {
  const start = Math.min(WIDTH - 1, Math.floor(from * WIDTH));
  const end = Math.max(start + 1, Math.min(WIDTH, Math.round((from + share) * WIDTH)));
  return `${' '.repeat(start)}${BARS[kind].repeat(end - start)}`;
}

const shown = (seconds: number): string => seconds.toFixed(1).padStart(8);

/** A trace as people read it. */
export function traceText(trace: TraceAnswer): string {
  const rows = rowsOf(trace).map((row) => [
    shown(row.begin),
    shown(row.seconds),
    row.what,
    barOf(row),
    row.notes.join(', '),
  ]);
  const waits = waitedFor(trace).map(([reason, seconds]) => [shown(seconds), reason]);
  return [
    `${trace.video}, revision ${trace.revision}: ${summaryOf(trace)}`,
    columns([['   begin', ' seconds', '', '', ''], ...rows]),
    ...(waits.length > 0 ? ['waited in all', columns(waits)] : []),
  ].join('\n');
}

/** Adds the command. */
export function addTrace(program: Command): void {
  videoCommand(
    program,
    'trace',
    'show what a video’s encode did from upload to publish, and what it waited for',
  )
    .option('--revision <revision>', 'of which encode; otherwise of the one asked for last')
    .addHelpText(
      'after',
      `
With --json it prints OTLP, as OpenTelemetry's collectors take it.

Example:
  spotreel trace ID --json | curl -H 'content-type: application/json' -d @- http://localhost:4318/v1/traces`,
    )
    .action(async (id: string, options: RemoteOptions & { revision?: string }) => {
      const trace = await clientOf(options).showTrace(id, options.revision);
      if (options.json) console.log(JSON.stringify(otlpOf(trace)));
      else print(options, trace, traceText);
    });
}
