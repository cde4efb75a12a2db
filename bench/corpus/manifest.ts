/** The corpus: real files of many makers beside the repository, and what its manifest says of each. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Where the files are, if this machine has them. */
export const CORPUS = join(import.meta.dirname, '../../../shared/corpus');

const entrySchema = z.object({
  file: z.string(),
  /** What is special about it: `rotation-90`, `hdr10`, ... */
  classes: z.array(z.string()).min(1),
  expected: z.enum(['playable', 'reject']),
  /** The other end that would be right as well, in words. */
  tolerance: z.string().nullable(),
  bytes: z.int(),
  video: z
    .object({
      width: z.int().nullish(),
      height: z.int().nullish(),
      /** `4:3`; null where the file says nothing. */
      sar: z.string().nullish(),
      /** Degrees clockwise. */
      rotation_cw: z.number().nullish(),
    })
    .nullable(),
  audio: z.array(z.object({ channels: z.int().nullish() })),
  /** Seconds, as the container says. */
  duration: z.number().nullable(),
});
export type Entry = z.infer<typeof entrySchema>;

/** The manifest; undefined where there is no corpus. */
export async function readManifest(): Promise<Entry[] | undefined> {
  const path = join(CORPUS, 'manifest.json');
  if (!existsSync(path)) return undefined;
  return z.object({ files: z.array(entrySchema) }).parse(JSON.parse(await readFile(path, 'utf8'))).files;
}

/** The entries that have one of the names or classes; all of them where none is given. Throws on an unknown one. */
export function choose(entries: readonly Entry[], wanted: readonly string[]): Entry[] {
  const unknown = wanted.find((one) => !entries.some((entry) => isOf(entry, one)));
  if (unknown !== undefined) throw new Error(`No file and no class of the corpus is called '${unknown}'`);
  return entries.filter((entry) => wanted.length === 0 || wanted.some((one) => isOf(entry, one)));
}

const isOf = ({ file, classes }: Entry, wanted: string): boolean =>
  file === wanted || classes.includes(wanted);

/**
 * Few and small files that have all classes among them, for a quick look. A class that has only files of more than
 * `mostBytes` is left out.
 */
export function oneOfEachClass(entries: readonly Entry[], mostBytes: number): Entry[] {
  const small = entries.filter(({ bytes }) => bytes <= mostBytes).toSorted((a, b) => a.bytes - b.bytes);
  const missing = new Set(small.flatMap(({ classes }) => classes));
  const chosen: Entry[] = [];
  while (missing.size > 0) {
    const gain = ({ classes }: Entry) => classes.filter((one) => missing.has(one)).length;
    const best = small.reduce((first, entry) => (gain(entry) > gain(first) ? entry : first));
    for (const one of best.classes) missing.delete(one);
    chosen.push(best);
  }
  return chosen;
}
