/** Lines of progress on a terminal: those that change are drawn anew, and never above its first row. */
import type { WriteStream } from 'node:tty';
import { expect, test } from '@jest/globals';
import { ProgressLines } from '../../cli/progress.ts';

/** A terminal of 10 rows, and all that was written to it. */
function terminal() {
  const written: string[] = [];
  const write = (text: string) => written.push(text) > 0;
  // All that is used of a terminal.
  const out = { isTTY: true, columns: 80, rows: 10, write } as unknown as WriteStream;
  return { out, text: () => written.join('') };
}

const NAMES = Array.from({ length: 40 }, (_, index) => `film-${index}`);
const END = 'ready\n    watch  there\n    HLS    there';

test('of more files than there are rows each is said to be ready once, however often lines are drawn', () => {
  const { out, text } = terminal();
  const lines = new ProgressLines(out);
  for (const name of NAMES) lines.set(name, `${name}: 0 %`);
  for (const name of NAMES) {
    lines.set(name, `${name}: 50 %`);
    lines.finish(name, `${name}: ${END}`);
  }
  for (const name of NAMES) expect(text().split(`${name}: ready`)).toHaveLength(2);
});

test('what is drawn anew always fits the terminal, and says how much does not', () => {
  const { out, text } = terminal();
  const lines = new ProgressLines(out);
  for (const name of NAMES) lines.set(name, `${name}: ${END}`);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what moves the cursor up begins with one
  const ups = [...text().matchAll(/\u001b\[(\d+)A/g)].map(([, rows]) => Number(rows));
  expect(ups.length).toBeGreaterThan(30);
  expect(Math.max(...ups)).toBeLessThan(out.rows);
  expect(text()).toMatch(/… and 38 more\n$/);
});
