/** Where this package keeps what it can make or fetch again. */
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Of this person, not of the package, which may be installed where only an administrator writes. */
export const CACHE_FOLDER = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'spotreel');
