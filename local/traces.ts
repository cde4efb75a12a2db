/** The last videos' traces on the page `/metrics`. */
import { pageOfVideos } from '../jobs/index-pages.ts';
import type { Stores } from '../jobs/publish.ts';
import { readTrace } from '../jobs/trace.ts';
import { unlessUnreadable } from '../jobs/unreadable.ts';
import { type Row, rowsOf, summaryOf } from '../video/trace/rows.ts';
import type { Trace } from '../video/trace/span.ts';
import { escaped, table } from './html.ts';

/** Videos whose traces are shown. */
const SHOWN = 10;
/** Rows of a trace: a long video has thousands, and `spotreel trace` shows them all. */
const MOST_ROWS = 200;

export interface TitledTrace {
  readonly title: string;
  readonly trace: Trace;
}

/** The traces of the newest videos. */
export async function lastTraces(stores: Stores): Promise<TitledTrace[]> {
  const { videos } = await pageOfVideos(stores, { limit: SHOWN });
  const traces = videos.map(async ({ id, title }) => {
    const read = () => readTrace(stores.uploads, id);
    const trace = await unlessUnreadable('trace-unreadable', { video: id }, read);
    return trace && trace !== 'unreadable' ? [{ title, trace }] : [];
  });
  return (await Promise.all(traces)).flat();
}

const percent = (share: number): string => `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;

function rowOf({ kind, begin, seconds, what, from, share, notes }: Row): string {
  const bar = `<i class="${kind}" style="margin-left:${percent(from)};width:${percent(Math.min(share, 1 - from))}"></i>`;
  const cells = [begin.toFixed(1), seconds.toFixed(1), bar, escaped(notes.join(', '))];
  return `<tr><th>${escaped(what)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

/** A trace, closed until somebody wants to see it. */
function traceSection({ title, trace }: TitledTrace): string {
  const rows = rowsOf(trace);
  const left = rows.length - MOST_ROWS;
  const more = left > 0 ? `<p>${left} more: <code>spotreel trace ${escaped(trace.video)}</code></p>` : '';
  const heads = ['What', 'Begin, seconds', 'Seconds', 'Chart', 'Who'];
  return `<details><summary>${escaped(title)}: ${escaped(summaryOf(trace))}</summary>
<div class="trace">${table(heads, rows.slice(0, MOST_ROWS).map(rowOf))}</div>${more}</details>`;
}

/** What the page has of them. */
export const tracesSection = (traces: readonly TitledTrace[]): string =>
  `<h2>Last videos, from upload to publish</h2>\n${traces.map(traceSection).join('\n') || '<p>None yet.</p>'}`;

/** How that looks. */
export const TRACE_STYLE = `
  summary { cursor: pointer; padding: 0.3rem 0; }
  .trace table { width: 100%; }
  .trace th, .trace td { white-space: nowrap; }
  .trace td:nth-child(4) { min-width: 16rem; text-align: left; width: 50%; }
  .trace i { display: block; height: 0.7rem; min-width: 2px; }
  .trace .work { background: #2a7de1; }
  .trace .wait { background: repeating-linear-gradient(45deg, #8886 0 3px, #8882 3px 6px); }`;
