/** Speech made by a machine, for recognisers. */
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { test } from '@jest/globals';

const PROGRAMS = ['espeak-ng', 'pocketsphinx_continuous'];

/** `test` where there are a speaker and a recogniser; elsewhere the tests are skipped, and the reason is printed. */
export const speechTest = PROGRAMS.every((program) => !spawnSync(program, ['--help']).error)
  ? test
  : skipped();

function skipped() {
  const packages = 'apt-get install espeak-ng pocketsphinx pocketsphinx-en-us';
  console.warn(`${PROGRAMS.join(' or ')} is absent: the test of speech is skipped. Install: ${packages}`);
  return test.skip;
}

/** Says a sentence into a WAV file. */
export async function speak(sentence: string, file: string): Promise<void> {
  await promisify(execFile)('espeak-ng', ['-v', 'en-gb', '-s', '145', '-w', file, sentence]);
}
