/** Chromium for tests, which are skipped where it is not installed. */
import { existsSync } from 'node:fs';
import { test } from '@jest/globals';
import { EXECUTABLE } from './chromium.ts';

export * from './chromium.ts';

/** `test` where Chromium is installed; elsewhere the tests are skipped, and the reason is printed. */
export const browserTest = existsSync(EXECUTABLE) ? test : skipped();

function skipped() {
  console.warn(`${EXECUTABLE} is absent: browser tests are skipped. Install it: apt-get install chromium`);
  return test.skip;
}
