/** Reads a stream over HTTP, for `spotreel check`, and keeps how it came. */
import type { ByteRange, Delivery, Reader, Resource, ResourceKind } from '../check/reader.ts';

/** Milliseconds for one request with its body. */
const PATIENCE = 60_000;
const MOST_REDIRECTS = 5;

/** As a page of another origin asks, so that CORS headers come. */
const ORIGIN = 'https://player.example';

/** GETs, following redirects by hand to know of them. */
async function get(
  url: string,
  headers: Record<string, string>,
  left = MOST_REDIRECTS,
): Promise<{ response: Response; redirected: boolean }> {
  if (!/^https?:$/.test(new URL(url).protocol)) throw new Error(`${url} is neither http nor https`);
  const signal = AbortSignal.timeout(PATIENCE);
  const response = await fetch(url, { headers, redirect: 'manual', signal }).catch((error: unknown) => {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new Error(`${url} can not be read: ${cause instanceof Error ? cause.message : cause}`);
  });
  const location = response.headers.get('location');
  if (response.status < 300 || response.status >= 400 || location === null)
    return { response, redirected: false };
  await response.body?.cancel();
  if (left === 0) throw new Error(`${url} is redirected more than ${MOST_REDIRECTS} times`);
  const { response: last } = await get(new URL(location, url).href, headers, left - 1);
  return { response: last, redirected: true };
}

/** The body, up to a limit. */
async function bodyOf(response: Response, url: string, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > limit) throw new Error(`${url} has more than the ${limit} bytes that are read`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

const deliveryOf = (
  url: string,
  { headers }: Response,
  redirected: boolean,
  rangeIgnored: boolean,
): Delivery => ({
  url,
  redirected,
  contentType: headers.get('content-type') ?? undefined,
  contentEncoding: headers.get('content-encoding')?.toLowerCase(),
  allowOrigin: headers.get('access-control-allow-origin') ?? undefined,
  cacheControl: headers.get('cache-control')?.toLowerCase(),
  rangeIgnored,
});

async function read(url: string, kind: ResourceKind, limit: number, range?: ByteRange): Promise<Resource> {
  const { response, redirected } = await get(url, {
    origin: ORIGIN,
    'accept-encoding': kind === 'playlist' ? 'gzip' : 'identity',
    ...(range && { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
  });
  const rangeIgnored = range !== undefined && response.status === 200;
  const delivery = deliveryOf(url, response, redirected, rangeIgnored);
  if (range && response.status === 416) {
    await response.body?.cancel();
    return { bytes: Buffer.alloc(0), delivery };
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}`);
  }
  const bytes = await bodyOf(response, url, limit);
  return {
    bytes: rangeIgnored ? bytes.subarray(range.offset, range.offset + range.length) : bytes,
    delivery,
  };
}

/** Reads over HTTP and HTTPS. */
export const httpReader: Reader = { read };
