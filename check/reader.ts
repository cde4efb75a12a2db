/** How the checker gets at a stream: who calls it brings a reader of folders, of HTTP, or of a test's memory. */

/** Bytes of a resource, counted from 0. */
export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

export type ResourceKind = 'playlist' | 'init' | 'segment' | 'text' | 'key';

/** How a resource came, where it came over HTTP. Header values as sent, in lower case where case does not count. */
export interface Delivery {
  readonly url: string;
  readonly redirected: boolean;
  readonly contentType: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly allowOrigin: string | undefined;
  readonly cacheControl: string | undefined;
  /** Whether a range was asked for but the whole resource came. */
  readonly rangeIgnored: boolean;
}

export interface Resource {
  /** Fewer than asked for where the resource ends earlier. */
  readonly bytes: Buffer;
  readonly delivery?: Delivery;
}

export interface Reader {
  /**
   * Reads a resource, or a range of it.
   * @param limit bytes beyond which it gives up
   * @throws an `Error` that says what could not be read, and why
   */
  read(url: string, kind: ResourceKind, limit: number, range?: ByteRange): Promise<Resource>;
}
