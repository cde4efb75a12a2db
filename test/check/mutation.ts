/** Ways to break a tree, each so that it certainly changes something. */
import type { RuleName } from '../../check/rules.ts';
import type { Tree } from '../support/checked-tree.ts';

/** A tree broken so that one rule must speak. */
export interface Case {
  readonly rule: RuleName;
  /** What was done to the tree. */
  readonly when: string;
  readonly mutate: (tree: Tree) => void;
}

export function bytesOf(tree: Tree, path: string): Buffer {
  const bytes = tree.get(path);
  if (!bytes) throw new Error(`the tree has no ${path}: ${[...tree.keys()].join(', ')}`);
  return bytes;
}

/** Replaces text in a playlist. */
export const edit =
  (path: string, from: string | RegExp, to: string) =>
  (tree: Tree): void => {
    const before = bytesOf(tree, path).toString();
    const after = before.replace(from, () => to);
    if (after === before) throw new Error(`${path} has no ${from} to break`);
    tree.set(path, Buffer.from(after));
  };

/** Replaces text in a playlist wherever it is. */
export const editAll =
  (path: string, from: RegExp, to: string) =>
  (tree: Tree): void => {
    const before = bytesOf(tree, path).toString();
    const after = before.replaceAll(from, to);
    if (after === before) throw new Error(`${path} has no ${from} to break`);
    tree.set(path, Buffer.from(after));
  };

export const both =
  (...mutations: ((tree: Tree) => void)[]) =>
  (tree: Tree): void => {
    for (const mutate of mutations) mutate(tree);
  };

/** Changes a copy of a file's bytes. */
export const patch =
  (path: string, change: (bytes: Buffer) => void) =>
  (tree: Tree): void => {
    const copy = Buffer.from(bytesOf(tree, path));
    change(copy);
    if (copy.equals(bytesOf(tree, path))) throw new Error(`${path} stayed as it was`);
    tree.set(path, copy);
  };

/** Where a box's content begins: the nth of its type. */
export function contentOf(bytes: Buffer, type: string, nth = 0): number {
  let at = bytes.indexOf(type, 0, 'latin1');
  for (let skip = nth; skip > 0 && at >= 0; skip--) at = bytes.indexOf(type, at + 4, 'latin1');
  if (at < 0) throw new Error(`there is no box '${type}' number ${nth}`);
  return at + 4;
}

/** Gives a box another type. */
export const rename = (path: string, from: string, to: string, nth = 0) =>
  patch(path, (bytes) => bytes.write(to, contentOf(bytes, from, nth) - 4, 'latin1'));

/** Moves a `tfdt` by ticks. */
export const shiftTime = (path: string, ticks: number, nth = 0) =>
  patch(path, (bytes) => {
    const at = contentOf(bytes, 'tfdt', nth) + 4;
    bytes.writeBigUInt64BE(bytes.readBigUInt64BE(at) + BigInt(ticks), at);
  });

/** Where the NAL unit of the first picture of an `mdat` begins, behind its length. */
export function firstPicture(bytes: Buffer, nth = 0): number {
  for (let at = contentOf(bytes, 'mdat', nth); ; at += 4 + bytes.readUInt32BE(at)) {
    const type = bytes.readUInt8(at + 4) & 31;
    if (type >= 1 && type <= 5) return at + 4;
  }
}
