/** The reference of the command line. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { program } from '../../cli/program.ts';
import { commandReference } from '../../cli/reference.ts';

test('docs/cli.md says what the commands say of themselves; `npm run docs:cli` writes it', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/cli.md'), 'utf8');
  const [, reference] = page.split('## Every command\n\n');
  expect(reference).toBe(commandReference(program));
});
