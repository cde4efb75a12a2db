/** Files of this package that are started, or bundled, by their path. */
import { extname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** `.ts` in the repository, `.js` in the package that npm has (build.ts): what this very file ends in. */
const EXTENSION = extname(import.meta.filename);

/** Where a program is. @param path as the repository has it, from its root: `worker-scripts/worker.ts` */
export const programFile = (path: string): string => join(ROOT, path.replace(/\.ts$/, EXTENSION));
