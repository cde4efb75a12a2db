/** `npm run docs:cli`: writes the reference into docs/cli.md, below its heading. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { program } from './program.ts';
import { commandReference } from './reference.ts';

const PAGE = join(import.meta.dirname, '../docs/cli.md');
const HEADING = '## Every command\n';

const text = await readFile(PAGE, 'utf8');
const head = text.slice(0, text.indexOf(HEADING) + HEADING.length);
await writeFile(PAGE, `${head}\n${commandReference(program)}`);
