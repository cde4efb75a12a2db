/** The pages as they are served: which URL path is which file on disk. Built when they are asked for and have changed. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** The pages as the npm package brings them (build.ts). The repository has none here: it builds them as they change. */
const PACKED = join(import.meta.dirname, 'pages');

/** What the pages are made of; the lock file stands for all packages. */
const SOURCES = ['web', 'api', 'jobs', 'package-lock.json'];

/** Where builds are kept, each in a folder named after its sources. */
const BUILDS = join(ROOT, '.cache/pages');

/** Paths of all files of a folder, or of a file itself, in an order that is always the same. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort();
}

/** Finds the pages, or builds them: that takes seconds, finding that nothing changed milliseconds. */
function findPages(): string {
  if (existsSync(PACKED)) return PACKED;
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    const path = join(ROOT, source);
    for (const file of source.includes('.') ? [path] : filesOf(path))
      hash.update(`${file.slice(ROOT.length)}\n`).update(readFileSync(file));
  }
  const folder = join(BUILDS, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) {
    mkdirSync(dirname(folder), { recursive: true });
    execFileSync(process.execPath, [join(import.meta.dirname, 'build.ts'), folder], { stdio: 'inherit' });
  }
  return folder;
}

/** Folder, below that of the pages, of files that are named after their content. */
export const NAMED_BY_CONTENT = 'assets';

let found: string | undefined;

/** The folder of the pages as they are served, looked for once in a process. Throws where they can not be built. */
export function pagesFolder(): string {
  found ??= findPages();
  return found;
}

export interface WebFile {
  /** Of its URL. */
  readonly path: string;
  /** Where it is on disk. */
  readonly file: string;
  /** Whether other content would have another path. */
  readonly isNamedByContent: boolean;
}

/** Every file of the pages. */
export function webFiles(): readonly WebFile[] {
  const folder = pagesFolder();
  return filesOf(folder).map((file) => {
    const path = file.slice(folder.length);
    return { path, file, isNamedByContent: path.startsWith(`/${NAMED_BY_CONTENT}/`) };
  });
}

/** The source of the CloudFront Function before the videos, which expects `crypto` and `store` to be there. */
export const guardScript = (): string => readFileSync(join(import.meta.dirname, 'guard.js'), 'utf8');

/** The same with what the runtime has for them: its module, and the one store that the function is given. */
export const guardSource = (): string =>
  `import crypto from 'crypto';\nimport cf from 'cloudfront';\nconst store = cf.kvs();\n${guardScript()}`;

/** The page for whatever is not there. */
const NOT_FOUND_PATH = '/404.html';

/** The source of the CloudFront Function before the pages: `rewrite.js`, and what it knows of them. It may have 10 KB. */
export function rewriteSource(): string {
  const files = webFiles();
  const notFound = files.find(({ path }) => path === NOT_FOUND_PATH);
  if (!notFound) throw new Error(`The pages have no ${NOT_FOUND_PATH}`);
  const paths = files.map(({ path }) => path);
  return [
    `const PATHS = ${JSON.stringify(paths)};`,
    `const NOT_FOUND = ${JSON.stringify(readFileSync(notFound.file, 'utf8'))};`,
    readFileSync(join(import.meta.dirname, 'rewrite.js'), 'utf8'),
  ].join('\n');
}
