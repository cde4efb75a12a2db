/**
 * Segments encrypted by AES-128 (RFC 8216, 4.3.2.4 and 5.2): each whole, by CBC with PKCS #7 padding. An encode has one key of 16 bytes,
 * and each segment an initialisation vector of its own, made of its name and place. Init segments stay as they are.
 */
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import type { MediaObject } from './receipt.ts';

const CIPHER = 'aes-128-cbc';
/** Bytes of a cipher's block. */
const BLOCK = 16;

/** Bytes of a key. */
export const KEY_BYTES = 16;

/** Path of an encode's key, below its revision. */
export const KEY_PATH = 'segments.key';

/** Bytes of a segment when it is encrypted: padding always adds something. */
export const encryptedLength = (length: number): number => (Math.floor(length / BLOCK) + 1) * BLOCK;

/** The initialisation vector of a segment. @param offset where it begins in its object */
export function vectorOf(
  { rendition, file }: Pick<MediaObject, 'rendition' | 'file'>,
  offset: number,
): Buffer {
  return createHash('sha256').update(`${rendition}/${file}@${offset}`).digest().subarray(0, BLOCK);
}

/**
 * Encrypts the segments of an object.
 * @param runs its fragments, put together to segments
 * @returns the object as it is stored then, whose fragments lie where their first byte is now, and its bytes
 */
export function encrypted(
  object: MediaObject,
  runs: readonly MediaObject['fragments'][],
  data: Buffer,
  key: Buffer,
): { object: MediaObject; data: Buffer } {
  const parts = [data.subarray(0, object.initLength)];
  const fragments: MediaObject['fragments'] = [];
  const segmentStarts: number[] = [];
  let at = object.initLength;
  for (const run of runs) {
    const from = run[0]?.offset ?? 0;
    const length = run.reduce((sum, fragment) => sum + fragment.length, 0);
    const cipher = createCipheriv(CIPHER, key, vectorOf(object, at));
    parts.push(cipher.update(data.subarray(from, from + length)), cipher.final());
    segmentStarts.push(at);
    fragments.push(...run.map((fragment) => ({ ...fragment, offset: fragment.offset - from + at })));
    at += encryptedLength(length);
  }
  return { object: { ...object, bytes: at, fragments, segmentStarts }, data: Buffer.concat(parts) };
}

/** Where a stretch of a segment is found, and how it is read from there. */
export interface EncryptedStretch {
  readonly offset: number;
  readonly length: number;
  decrypt(bytes: Buffer, key: Buffer): Buffer;
}

/** A stretch of an encrypted object, as it was before; undefined where it is not encrypted. */
export function encryptedStretch(
  object: MediaObject,
  offset: number,
  length: number,
): EncryptedStretch | undefined {
  const start = object.segmentStarts?.findLast((begin) => begin <= offset);
  if (start === undefined) return undefined;
  // A block is decrypted with the one before it, which for the first is the initialisation vector.
  const skipped = Math.floor((offset - start) / BLOCK) * BLOCK;
  const until = Math.ceil((offset - start + length) / BLOCK) * BLOCK;
  const before = skipped === 0 ? 0 : BLOCK;
  return {
    offset: start + skipped - before,
    length: until - skipped + before,
    decrypt(bytes, key) {
      const vector = before === 0 ? vectorOf(object, start) : bytes.subarray(0, BLOCK);
      const cipher = createDecipheriv(CIPHER, key, vector).setAutoPadding(false);
      const plain = cipher.update(bytes.subarray(before));
      return plain.subarray(offset - start - skipped).subarray(0, length);
    },
  };
}
