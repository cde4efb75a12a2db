/** docs/reference/ says what the package exports, no more and no less. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { reference } from '../reference.ts';

test.each([...reference()])('%s is what `npm run docs:reference` writes', async (file, text) => {
  expect(await readFile(join(import.meta.dirname, '..', file), 'utf8')).toBe(text);
});
