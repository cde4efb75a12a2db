import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { checkStream } from '../../check/check.ts';
import type { Delivery, Reader } from '../../check/reader.ts';
import { RULES, type RuleName } from '../../check/rules.ts';
import { checkedTree, MASTER, type Tree, treeReader, urlOf } from '../support/checked-tree.ts';
import { ffmpeg } from '../support/media.ts';
import { DELIVERY_CASES, GOOD } from './delivery-cases.ts';
import { indexed, KINDS, kindPath, MEDIA_CASES, withText } from './media-cases.ts';
import { MULTIVARIANT_CASES, SYNTAX_CASES } from './playlist-cases.ts';

/** Small pictures of other kinds, beside the tree: nothing refers to them yet. */
async function addKinds(tree: Tree): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-kinds-'));
  const fragmented = ['-movflags', '+cmaf+empty_moov+default_base_moof', '-f', 'mp4'];
  for (const [kind, options] of Object.entries(KINDS)) {
    const file = join(folder, `${kind}.mp4`);
    await ffmpeg(
      '-f',
      'lavfi',
      '-i',
      'testsrc2=size=298x180:rate=25:duration=0.2',
      ...options,
      ...fragmented,
      file,
    );
    tree.set(kindPath(kind), await readFile(file));
  }
  await rm(folder, { recursive: true });
}

let tree: Tree;
beforeAll(async () => {
  tree = await checkedTree();
  await addKinds(tree);
});

const check = async (mutate: (tree: Tree) => void) => {
  const copy = new Map(tree);
  mutate(copy);
  return checkStream(treeReader(copy), urlOf(MASTER));
};

const CASES = [...SYNTAX_CASES, ...MULTIVARIANT_CASES, ...MEDIA_CASES];

describe('a stream by the book', () => {
  test('as the pipeline makes it has nothing wrong, and nothing stays unchecked', async () => {
    const { findings, unchecked, playlists } = await check(() => undefined);
    expect(findings).toEqual([]);
    expect(unchecked).toEqual([]);
    expect(playlists).toBe(6);
  });

  test.each([
    ['text segments', withText],
    ['a segment index', indexed(0, 0)],
  ])('with right %s has no error either', async (_, mutate) => {
    const { findings } = await check(mutate);
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });
});

describe('a stream that is still growing', () => {
  /** The first segments alone, of playlists that say that more will come. */
  const growing = (segments: number) => (copy: Tree) => {
    for (const [path, bytes] of copy) {
      if (!path.endsWith('/index.m3u8')) continue;
      const [head = '', ...rest] = bytes
        .toString()
        .replace('TYPE:VOD', 'TYPE:EVENT')
        .split(/(?=#EXTINF)/);
      copy.set(
        path,
        Buffer.from([head, ...rest.slice(0, segments)].join('').replace('#EXT-X-ENDLIST\n', '')),
      );
    }
    const master = String(copy.get(MASTER)).replaceAll(/#EXT-X-I-FRAME.*\n/g, '');
    // What it promises is what the whole will need.
    copy.set(MASTER, Buffer.from(master.replaceAll(/(BANDWIDTH=)(\d+)/g, '$1$20')));
  };

  test.each([1, 2, 3])(
    'has nothing wrong with %d segments, and is said to be no whole one',
    async (count) => {
      const { findings, unchecked } = await check(growing(count));
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      expect(unchecked).toHaveLength(3);
      expect(unchecked).toContainEqual(expect.stringContaining('still growing'));
    },
  );

  test('may be read while it grows: one rendition has more than another', async () => {
    const { findings } = await check((copy) => {
      const two = new Map(copy);
      growing(2)(two);
      growing(1)(copy);
      copy.set('r/90p/index.m3u8', two.get('r/90p/index.m3u8') ?? Buffer.of());
    });
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  test('keeps within the bit rate that it promises', async () => {
    const { findings } = await check((copy) => {
      growing(1)(copy);
      copy.set(MASTER, Buffer.from(String(copy.get(MASTER)).replaceAll(/BANDWIDTH=\d+/g, 'BANDWIDTH=1000')));
    });
    expect(findings.map(({ rule }) => rule)).toContain('peak');
  });
});

describe('every rule speaks when it is broken', () => {
  test.each(CASES)('$rule: $when', async ({ rule, mutate }) => {
    const { findings } = await check(mutate);
    const found = findings.filter((finding) => finding.rule === rule);
    expect(found).not.toEqual([]);
    expect(found[0]).toMatchObject({
      severity: RULES[rule].severity,
      section: RULES[rule].section,
      source: RULES[rule].source,
      playlist: expect.stringMatching(/^file:\/\/\/tree\/.*\.m3u8$/),
    });
  });

  const good = (url: string): Delivery => ({
    ...GOOD,
    url: url.replace('file:///', 'http://localhost:8080/'),
    contentEncoding: url.endsWith('.m3u8') ? 'gzip' : undefined,
    contentType: url.endsWith('.m3u8')
      ? 'application/vnd.apple.mpegurl'
      : url.endsWith('.m4a')
        ? 'audio/mp4'
        : 'video/mp4',
  });
  /** Playlists below 1000 bytes need no compression. */
  const padding = Buffer.from(`# ${'-'.repeat(1000)}\n`);
  /** The tree as a server delivers it. */
  const served = (change: (delivery: Delivery, kind: string) => Delivery): Reader => ({
    async read(url, kind, limit, range) {
      const { bytes } = await treeReader(tree).read(url, kind, limit, range);
      const padded = kind === 'playlist' ? Buffer.concat([bytes, padding]) : bytes;
      return { bytes: padded, delivery: change(good(url), kind) };
    },
  });

  test('a server that delivers by the book is not blamed', async () => {
    expect(
      (
        await checkStream(
          served((delivery) => delivery),
          urlOf(MASTER),
        )
      ).findings,
    ).toEqual([]);
  });

  test.each(DELIVERY_CASES)('$rule: $when', async ({ rule, kind, change }) => {
    const reader = served((delivery, actual) => (actual === kind ? { ...delivery, ...change } : delivery));
    const { findings } = await checkStream(reader, urlOf(MASTER));
    expect(new Set(findings.map((finding) => finding.rule))).toEqual(new Set([rule]));
  });

  test('there is a case for each rule', () => {
    const tried = new Set<RuleName>([...CASES, ...DELIVERY_CASES].map(({ rule }) => rule));
    expect(Object.keys(RULES).filter((rule) => !new Set<string>(tried).has(rule))).toEqual([]);
  });
});

/** Every row of the checklist that the rules come from: RFC 8216, Apple's specification, and our own. */
const ROWS = [
  ...['R1', 'R2', 'R3', 'R4', 'R5', 'R6', 'R7', 'R8'],
  ...[
    '9.1',
    '9.2',
    '9.14',
    '9.15',
    '9.3',
    '9.4',
    '9.13',
    '1.26',
    '1.27',
    '1.30',
    '9.9',
    '9.10',
    '9.11',
    '9.12',
  ],
  ...[
    '1.32',
    '9.21',
    '1.33',
    '9.16',
    '1.24',
    '1.23',
    '8.9',
    '9.5',
    '9.6',
    '9.7',
    '2.3',
    '8.10',
    '4.7',
    '4.4',
  ],
  ...[
    '4.5',
    '2.12',
    '6.1',
    '6.8',
    '6.2',
    '6.10',
    '9.17',
    '7.4',
    '1.13',
    '7.5',
    '7.6',
    '8.1',
    '7.1',
    '7.2',
    '7.3',
  ],
  ...['8.22', '8.2', '8.3', '8.7', '8.15', '2.17', '2.11', '1.2', '1.5', '1.3', '1.4', '1.6', '1.11', '1.10'],
  ...['1.14', '1.15', '1.18', '1.19', '1.7', '1.8', '1.35', '2.4', '2.9', 'A1', '5.2', '5.3', '5.5'],
  ...['10.1', '10.4', '11.1', '11.2', '11.3', '12.1', '8.18', 'D1'],
];

describe('docs/conformance.md', () => {
  test('tells of every row of the checklist which rule checks it, or why none does', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
    const told = new Set(page.match(/\b(?:[RAD]\d|\d{1,2}\.\d{1,2})\b/g));
    expect(ROWS.filter((row) => !told.has(row))).toEqual([]);
  });

  test('has no rule that the checker has not', async () => {
    const page = await readFile(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
    const listed = [...page.matchAll(/^\| \S+ \| `([\w-]+)` \|/gm)].map(([, name]) => name);
    expect(listed).toEqual(Object.keys(RULES));
  });

  test.each(Object.entries(RULES))('has a row for %s', async (name, { section, source, severity, holds }) => {
    const page = await readFile(join(import.meta.dirname, '../../docs/conformance.md'), 'utf8');
    expect(page).toContain(`| ${section} | \`${name}\` | ${source} | ${severity} | ${holds} | `);
  });
});

describe('a report', () => {
  test('names the line of the playlist that is to blame', async () => {
    const { findings } = await check(
      SYNTAX_CASES.find(({ rule }) => rule === 'target-exceeded')?.mutate ?? (() => undefined),
    );
    expect(findings.map(({ rule, line }) => [rule, line])).toContainEqual(['target-exceeded', 10]);
  });

  test('tells a rule that is broken alike all over a playlist three times, and how often more', async () => {
    const everywhere =
      MULTIVARIANT_CASES.find(({ rule }) => rule === 'iframe-dense')?.mutate ?? (() => undefined);
    const broken = await check((copy) => {
      everywhere(copy);
      copy.delete('r/90p/chunk-0.mp4');
    });
    const lost = broken.findings.filter(
      ({ rule, playlist }) => rule === 'resolves' && playlist.endsWith('90p/iframes.m3u8'),
    );
    expect(lost).toHaveLength(3);
    expect(lost[2]?.message).toMatch(/\(and 10 more\)$/);
  });
});
