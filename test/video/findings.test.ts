/** docs/findings.md tells an owner of every code, and of none that there is not. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { FAILURES } from '../../video/failures.ts';
import { FINDINGS } from '../../video/findings.ts';

const page = await readFile(join(import.meta.dirname, '../../docs/findings.md'), 'utf8');

/** Code and text of each row below a heading; further cells are the page's own words, which must be there. */
function rowsOf(heading: string, cells: number): string[][] {
  const [, section = ''] = page.split(`## ${heading}\n`);
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'));
  return rows.map((line) => {
    const [, ...own] = line.split('|').map((cell) => cell.trim());
    expect({ line, words: own.filter((cell) => cell !== '').length }).toEqual({ line, words: cells });
    return own.slice(0, 2);
  });
}

describe('docs/findings.md', () => {
  test.each([
    ['Findings', FINDINGS, 3],
    ['Failures', FAILURES, 2],
  ] as const)('%s are those of the code, in their order and words', (heading, table, cells) => {
    expect(rowsOf(heading, cells)).toEqual(
      Object.entries(table).map(([code, text]) => [`\`${code}\``, text]),
    );
  });
});
