/**
 * The laptop's functions and workers may do what the stack's may: `local/iam/policies.json` holds the synthesized
 * policies, and docs/roles.md shows them. After a change of permissions, read what
 * `UPDATE_GOLDEN=1 npm run jest -- test/lib/policies.test.ts` and `npx biome check --write` make of these files.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { SpotreelStack } from '../../lib/index.ts';
import { policiesSchema } from '../../local/iam/iam.ts';
import { policiesOf } from './support/policies.ts';
import { rolesPage } from './support/roles-page.ts';
import { testApp } from './support/template.ts';

const FILE = fileURLToPath(new URL('../../local/iam/policies.json', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/roles.md', import.meta.url));
const HEADING = '## What each may do\n\n';
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

const app = testApp();
new SpotreelStack(app, 'Spotreel');
const policies = JSON.stringify(policiesOf(app), null, 2);

test('the laptop enforces the policies of the stack', () => {
  if (isUpdate) writeFileSync(FILE, `${policies}\n`);
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(JSON.parse(policies));
});

test('docs/roles.md shows them', () => {
  const page = rolesPage(policiesSchema.parse(JSON.parse(policies)));
  const [words = ''] = readFileSync(PAGE, 'utf8').split(HEADING);
  if (isUpdate) writeFileSync(PAGE, `${words}${HEADING}${page}`);
  expect(readFileSync(PAGE, 'utf8')).toBe(`${words}${HEADING}${page}`);
});
