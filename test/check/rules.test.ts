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

describe('docs/conformance.md', () => {
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
