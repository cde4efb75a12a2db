/** What any part of the edge answers; `edge.ts` adds the headers that all answers share and sends it. */
import type { Readable } from 'node:stream';

export interface Answer {
  readonly status: number;
  /** Names in lower case. `content-length` is the body's, before any compression. */
  readonly headers: Readonly<Record<string, string>>;
  /** None for HEAD, 304 and the like. */
  readonly body?: Readable | Buffer | undefined;
}

/** An answer whose body is at hand. */
export function whole(status: number, headers: Record<string, string>, text: string | Buffer): Answer {
  const body = Buffer.from(text);
  return { status, headers: { ...headers, 'content-length': String(body.length) }, body };
}

/** An answer in a sentence. */
export const sentence = (status: number, text: string): Answer =>
  whole(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }, `${text}\n`);

/**
 * Whether `If-None-Match` names this ETag, by weak comparison (RFC 9110, 13.1.2): the ETag of a compressed answer
 * is the object's own with `W/` before it.
 */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  const tags = (ifNoneMatch ?? '').split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(etag);
}
