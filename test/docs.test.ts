/** What the pages lead to, and what they call by its name, is there: files, sections, commands, settings, names in the code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { taskSchema } from '../jobs/messages.ts';
import { PRODUCTION_NOTIFICATIONS, QUEUES, UPLOAD_NOTIFICATIONS } from '../jobs/platform.ts';
import { CONTEXT_KEYS } from '../lib/context.ts';

const ROOT = join(import.meta.dirname, '..');
/** Folders of the repository that hold what somebody wrote. */
const ROOMS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$|^dist$/.test(entry.name))
  .map(({ name }) => name);
const inRooms = ROOMS.flatMap((room) =>
  readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
    .filter((file) => !file.includes('node_modules'))
    .map((file) => join(room, file)),
);
const files = [...readdirSync(ROOT), ...inRooms];

const text = (file: string): string => readFileSync(join(ROOT, file), 'utf8');
const pages = files.filter((file) => file.endsWith('.md')).map((file) => ({ file, page: text(file) }));
const { scripts }: { scripts: object } = JSON.parse(text('package.json'));
const sources = files.filter((file) => /\.(ts|tsx|js|sh)$/.test(file)).map(text);

/** What stands behind each `#` of a page on GitHub: its headings in small letters, words joined by hyphens. */
const anchorsOf = (page: string): string[] =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** What stands between backticks, outside of blocks of code. */
const quoted = (page: string): string[] =>
  [...page.replaceAll(/^```.*?^```$/gms, '').matchAll(/`([^`\n]+)`/g)].map(([, words = '']) => words);

const isThere = (path: string): boolean => existsSync(join(ROOT, path));
/** What begins with a room is a path from the root; the name of a source alone is that of a file in any room. */
const isSource = (words: string): boolean =>
  /^[\w./-]+\.(ts|js|sh|cjs)$/.test(words) ||
  (/^[\w./-]+$/.test(words) && ROOMS.includes(words.split('/')[0] ?? ''));
const isKnown = (path: string): boolean => isThere(path) || files.some((file) => file.endsWith(`/${path}`));

/** Names of systemd's and CloudWatch's that no line of code has. */
const ELSEWHERE = ['IPAddressDeny', 'BlockedRequests'];
/** Words of our code by their form: `maxVcpus`, `RECIPE_VERSION`. */
const isName = (words: string): boolean =>
  /^[A-Za-z]\w*$/.test(words) && /[a-z][A-Z]|[A-Z]_[A-Z]/.test(words);

describe.each(pages)('$file', ({ file, page }) => {
  test('leads to files and sections that are there', () => {
    const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
    const lost = links.filter((link) => {
      if (/^\w+:/.test(link)) return false;
      const [path = '', anchor] = link.split('#');
      const target = path === '' ? file : relative(ROOT, join(ROOT, dirname(file), path));
      return !isThere(target) || (anchor !== undefined && !anchorsOf(text(target)).includes(anchor));
    });
    expect(lost).toEqual([]);
  });

  test('names files that are there', () => {
    expect(quoted(page).filter((words) => isSource(words) && !isKnown(words))).toEqual([]);
  });

  test('names what the code knows', () => {
    const unknown = quoted(page).filter(
      (words) =>
        isName(words) && !ELSEWHERE.includes(words) && !sources.some((source) => source.includes(words)),
    );
    expect(unknown).toEqual([]);
  });

  test('names scripts of package.json', () => {
    const named = [...page.matchAll(/npm run (?:-s )?([\w:-]+)/g)].map(([, script = '']) => script);
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

describe('the diagrams of docs/architecture.md', () => {
  const diagrams = [...text('docs/architecture.md').matchAll(/^```mermaid\n(.*?)^```$/gms)].map(
    ([, drawn = '']) => drawn,
  );
  const drawn = diagrams.join('');
  const boxes = [...drawn.matchAll(/^ +(\w+)[^\w\s"]+"([^"]+)"/gm)];
  const nodes = boxes.flatMap(([, , label = '']) => label.split('<br>'));
  const ends = [...drawn.matchAll(/^ +(\w+) (?:-->|-\.->|---)(?:\|"[^"]*"\|)? (\w+)$/gm)];

  test('name programs that are there, and every Lambda', () => {
    expect(nodes.filter((label) => /\.\w+$/.test(label) && !isThere(label))).toEqual([]);
    expect(nodes).toEqual(
      expect.arrayContaining(readdirSync(join(ROOT, 'lambda')).map((name) => `lambda/${name}`)),
    );
  });

  test('have every queue, and no other', () => {
    const queues = nodes.flatMap((label) => /^queue (\w+)$/.exec(label)?.[1] ?? []);
    expect(queues.toSorted()).toEqual(Object.keys(QUEUES).toSorted());
  });

  test('have every prefix and name that S3 announces, at its queue', () => {
    for (const { queue, prefix, suffix = '' } of [...UPLOAD_NOTIFICATIONS, ...PRODUCTION_NOTIFICATIONS]) {
      const announced = suffix === '' ? prefix : suffix.slice(1);
      expect(drawn).toMatch(new RegExp(`\\|"[^"]*\\b${announced}[^"]*"\\| ${queue}Queue$`, 'm'));
    }
  });

  test('have every kind of task', () => {
    const kinds = taskSchema.options.map(({ shape }) => shape.kind.value);
    for (const kind of kinds) expect(nodes).toContainEqual(expect.stringMatching(new RegExp(`^${kind}\\b`)));
  });

  test('draw no arrow to or from what is not there', () => {
    const ids = boxes.map(([, id]) => id);
    expect(ends.length).toBeGreaterThan(40);
    for (const [, from, to] of ends) for (const end of [from, to]) expect(ids).toContain(end);
  });
});

test('docs/deploying.md has every setting of the CDK context, and no other', () => {
  const [, settings = ''] = text('docs/deploying.md').split('| key | default | meaning |');
  const [table] = settings.split('\n\n');
  const keys = [...(table ?? '').matchAll(/^\| `(\w+)` \|/gm)].map(([, key]) => key);
  expect(keys.toSorted()).toEqual([...CONTEXT_KEYS, 'name'].toSorted());
});
