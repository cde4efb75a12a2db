/**
 * `npm run docs:reference`: writes docs/reference/ from the declarations that TypeScript makes: what the package's entries
 * export, in their order, each with its own words.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = import.meta.dirname;

interface Page {
  readonly file: string;
  readonly heading: string;
  /** Entries of the package: the name to import from, and its file. */
  readonly entries: ReadonlyArray<readonly [name: string, file: string]>;
  /** Declarations that an entry's own extend. */
  readonly bases: ReadonlyArray<readonly [name: string, file: string]>;
}

const PAGES: readonly Page[] = [
  {
    file: 'docs/reference/construct.md',
    heading: 'The construct',
    entries: [['spotreel', 'lib/index.ts']],
    bases: [],
  },
  {
    file: 'docs/reference/client.md',
    heading: 'The client',
    entries: [
      ['spotreel/client', 'api/client/index.ts'],
      ['spotreel/client/live', 'api/client/live.ts'],
    ],
    bases: [['Endpoints', 'api/client/endpoints.ts']],
  },
];

/** Its types are the API's, which are told where the API is. */
const SCHEMAS = 'api/schemas.ts';

/** An exported name and the file that declares it. */
type Exported = readonly [name: string, file: string];

const declarationOf = (folder: string, file: string) =>
  readFileSync(join(folder, file.replace(/\.ts$/, '.d.ts')), 'utf8');

/** What a file exports, in its order. */
function exportsOf(text: string, file: string): Exported[] {
  const lines =
    /^export (?:declare )?(?:type )?(?:\{([^}]*)\} from '(.*)'|(?:abstract )?(?:class|interface|function|const|type)? ?(\w+))/gm;
  return [...text.matchAll(lines)].flatMap(([, names, from = '', own]): Exported[] =>
    names === undefined
      ? [[own ?? '', file]]
      : names
          .split(',')
          .map((name) => name.replace(/\btype\b/, '').trim())
          .filter((name) => name !== '')
          .map((name) => [name, join(dirname(file), from)] as const),
  );
}

/** A declaration's own words, and itself without what nobody may call. Undefined where the file has none of that name. */
function declared(text: string, name: string): { readonly words: string; readonly code: string } | undefined {
  const shape = new RegExp(
    String.raw`^((?:/\*\*(?:(?!\*/)[^])*\*/\n)?)export (?:declare )?((?:abstract )?(?:class|interface|type|function|const) ${name}\b(?:.*\{\n[^]*?^\}|[^]*?;$))`,
    'm',
  );
  const [, comment = '', code] = shape.exec(text) ?? [];
  if (code === undefined) return;
  return {
    words: comment.replace(/^\/\*\*| ?\*\/$|^ \* ?/gm, '').trim(),
    code: code.replace(/^ {4}#?private.*;\n/gm, '').replace(/\.ts'/g, "'"),
  };
}

/** A name's part of a page; undefined where it is a schema's type. */
function partOf(folder: string, [name, file]: Exported): string | undefined {
  if (file === SCHEMAS) return;
  const found = declared(declarationOf(folder, file), name);
  if (!found) throw new Error(`${file} declares no ${name}, which the package exports`);
  return [`### ${name}`, found.words, `\`\`\`ts\n${found.code}\n\`\`\``]
    .filter((text) => text !== '')
    .join('\n\n');
}

function pageOf(folder: string, { heading, entries, bases }: Page): string {
  const parts = entries.flatMap(([name, file]) => {
    const exported = exportsOf(declarationOf(folder, file), file);
    const schemas = exported.filter(([, from]) => from === SCHEMAS).map(([type]) => `\`${type}\``);
    return [
      `## ${name}`,
      ...exported.map((one) => partOf(folder, one)),
      ...(schemas.length > 0 ? [`${schemas.join(', ')} are the API's own types ([api](../api.md)).`] : []),
    ];
  });
  const shared = bases.map((base) => partOf(folder, base));
  const note = 'Written by `npm run docs:reference` from the declarations of the code.';
  return `${[`# ${heading}`, note, ...parts, ...shared].filter((part) => part !== undefined).join('\n\n')}\n`;
}

/** The pages as they should be: each file's path from the root, and its text. */
export function reference(): ReadonlyMap<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'spotreel-reference-'));
  try {
    const options = ['--project', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', folder];
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), options, { cwd: ROOT, stdio: 'inherit' });
    return new Map(PAGES.map((page) => [page.file, pageOf(folder, page)]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main)
  for (const [file, text] of reference()) {
    mkdirSync(dirname(join(ROOT, file)), { recursive: true });
    writeFileSync(join(ROOT, file), text);
  }
