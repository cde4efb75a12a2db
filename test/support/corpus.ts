/** The real files of many makers, where they are: beside a checkout that has them (README of the corpus). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from '@jest/globals';
import { CORPUS } from '../../bench/corpus/manifest.ts';

/** The path of a file of the corpus. */
export const corpusFile = (name: string): string => join(CORPUS, name);

/** `test` where the corpus is there; elsewhere the test is passed over and says why. */
export const testWithCorpus: typeof test.skip = existsSync(CORPUS) ? test : test.skip;
if (testWithCorpus !== test)
  console.warn(`No corpus at ${CORPUS}: the tests that need its files are passed over`);
