/**
 * The laptop's functions and workers may do what the stack's may: `local/iam/policies.json` holds the synthesized
 * policies. After a change of permissions, read what
 * `UPDATE_GOLDEN=1 npm run jest -- test/lib/policies.test.ts` and `npx biome check --write` make of that file.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { SpotreelStack } from '../../lib/index.ts';
import { policiesOf } from './support/policies.ts';
import { testApp } from './support/template.ts';

const FILE = fileURLToPath(new URL('../../local/iam/policies.json', import.meta.url));

test('the laptop enforces the policies of the stack', () => {
  const app = testApp();
  new SpotreelStack(app, 'Spotreel');
  const policies = `${JSON.stringify(policiesOf(app), null, 2)}\n`;
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, policies);
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(JSON.parse(policies));
});
