/** The file that a benchmark measures: the one that is named, or a clip of the corpus. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const CORPUS_CLIP = join(import.meta.dirname, '../../shared/corpus/bbb_1080p25_60s.mp4');

/**
 * @param named by the command line
 * @param what kind of file should be
 * @param script of package.json
 * @throws where there is no such file
 */
export function clipOf(named: string | undefined, what: string, script: string): string {
  const file = named ?? CORPUS_CLIP;
  if (!existsSync(file)) throw new Error(`'${file}' is not there; name ${what}:  npm run ${script} -- FILE`);
  return file;
}
