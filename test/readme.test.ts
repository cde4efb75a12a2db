/** The README leads to everything that there is to read. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const ROOT = join(import.meta.dirname, '..');
const links = [...readFileSync(join(ROOT, 'README.md'), 'utf8').matchAll(/\]\(([^):#]+)\)/g)].map(
  ([, link = '']) => link,
);

const pages = readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.md') && !/^(decisions|runbooks)\//.test(file))
  .map((file) => `docs/${file}`);

test.each([
  ...pages,
  'docs/decisions/',
  'docs/runbooks/',
  'examples/',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
])('leads to %s', (page) => {
  expect(links).toContain(page);
});
