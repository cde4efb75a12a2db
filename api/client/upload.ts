/**
 * Brings a file to S3: in one PUT or in parallel parts, as the API says. A part is read when it is sent, so that
 * memory holds no file. What is there already is not sent again.
 */
import type { CreateUpload, Upload } from '../schemas.ts';
import type { Endpoints } from './endpoints.ts';
import { ApiError, UploadError } from './errors.ts';
import { retried } from './retry.ts';

type Stretch = Blob | ReadableStream<Uint8Array<ArrayBuffer>>;

/** What is uploaded: a browser's `File`, Node's `openAsBlob(path)`, or anything that gives stretches of itself. */
export interface UploadSource {
  /** Bytes. */
  readonly size: number;
  readonly name?: string;
  readonly type?: string;
  /**
   * The bytes from `start` up to, without, `end`; asked for again where they did not arrive. Streams are for Node, for
   * browsers do not say how long they are. A source that is no more what it was fails with a `NotReadableError`.
   */
  slice(start: number, end: number): Stretch | Promise<Stretch>;
}

export interface UploadProgress {
  /** Bytes that are there. The first report of a resumed upload counts those of before. */
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/** A PUT of bytes to S3. */
export interface BytesToPut {
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Stretch;
  /** Bytes of the body. */
  readonly size: number;
  readonly signal: AbortSignal;
  /** Hears how many of the bytes are sent. */
  readonly onSent: (bytes: number) => void;
}

/** Rejects where no answer came, or with the signal's reason. */
export type PutBytes = (put: BytesToPut) => Promise<{ readonly status: number; readonly text: string }>;

export interface UploadOptions
  extends Partial<Pick<CreateUpload, 'fileName' | 'type' | 'title' | 'metadata' | 'options'>> {
  /** The id of an upload to go on with, rather than to create one. */
  readonly resume?: string;
  /** Parts that are sent at the same time. @default 4 */
  readonly parallel?: number;
  /** Told before the first byte: whoever keeps its id can resume. */
  readonly onCreated?: (upload: Upload) => void | Promise<void>;
  readonly onProgress?: (progress: UploadProgress) => void;
  /** Who sends bytes. @default `fetch`, which tells nothing of a PUT before its end */
  readonly put?: PutBytes;
  /** Stops it. What is sent stays, to resume; `abortUpload` drops it. */
  readonly signal?: AbortSignal;
}

/** Parts at once: enough to fill a line whose single connections are slow, few enough for any machine. */
const PARALLEL = 4;
/** Parts whose URLs are asked for together: few, for a URL expires in an hour and should not wait long. */
const SIGNED_TOGETHER = 16;
/** What a file is whose name and system say nothing. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** A stretch of the file, and where it goes. */
interface Piece {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** Where it goes; asked again where a URL was no good, for it may have expired. */
  urlOf(triesBefore: number): Promise<string>;
  readonly headers?: Readonly<Record<string, string>>;
}

interface Sending {
  readonly client: Endpoints;
  readonly source: UploadSource;
  readonly options: UploadOptions;
  readonly signal: AbortSignal;
  /** Bytes of what is there whole. */
  sentBytes: number;
  /** Bytes that are sent of each piece on its way, by its start. */
  readonly onTheWay: Map<number, number>;
}

function tellProgress({ source, options, sentBytes, onTheWay }: Sending): void {
  const underway = [...onTheWay.values()].reduce((sum, bytes) => sum + bytes, 0);
  options.onProgress?.({ sentBytes: sentBytes + underway, totalBytes: source.size });
}

/** Counts bytes that are there whole. */
function tellThere(sending: Sending, bytes: number): void {
  sending.sentBytes += bytes;
  tellProgress(sending);
}

const putByFetch: PutBytes = async ({ url, headers, body, size, signal }) => {
  // A stream must be told its length, and the types of `fetch` lack `duplex`, without which it sends none.
  const init: RequestInit & { duplex: 'half' } = {
    method: 'PUT',
    body,
    headers: {
      ...Object.fromEntries(headers),
      ...(!(body instanceof Blob) && { 'content-length': `${size}` }),
    },
    signal,
    duplex: 'half',
  };
  const response = await fetch(url, init);
  return { status: response.status, text: await response.text() };
};

/** Milliseconds to wait after an error; undefined where the same bytes would fail again. */
function waitAfter(error: unknown, triesBefore: number): number | undefined {
  if (!(error instanceof UploadError)) return undefined;
  const { status } = error;
  // 403 is an expired URL, and the next try has another; a second one is something else. 400 may be a connection
  // on which nothing came for too long (RequestTimeout), and the same is true of it.
  if (status === 403 || status === 400) return triesBefore === 0 ? 0 : undefined;
  return status === undefined || status === 408 || status === 429 || status >= 500 ? 0 : undefined;
}

/** Whether a file is no more what it was when it was opened: the `NotReadableError` of the File API, 4.1. */
function isUnreadable(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if ('name' in error && error.name === 'NotReadableError') return true;
  return 'cause' in error && isUnreadable(error.cause);
}

/** PUTs a stretch once. */
async function put(sending: Sending, piece: Piece, url: string): Promise<void> {
  const { source, options, signal, onTheWay } = sending;
  const { start, end } = piece;
  const send = options.put ?? putByFetch;
  // What a browser sets by itself, it refuses to be told.
  const headers = Object.entries(piece.headers ?? {}).filter(([name]) => name !== 'content-length');
  const onSent = (bytes: number) => {
    onTheWay.set(start, bytes);
    tellProgress(sending);
  };
  let answer: Awaited<ReturnType<PutBytes>>;
  try {
    const body = await source.slice(start, end);
    answer = await send({ url, headers, body, size: end - start, signal, onSent });
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreadable(error))
      throw new Error('The file changed while it was uploaded; upload it again', { cause: error });
    const message = `${piece.name} could not be sent: the connection to S3 failed`;
    throw new UploadError(message, undefined, { cause: error });
  } finally {
    onTheWay.delete(piece.start);
  }
  if (answer.status >= 200 && answer.status < 300) return;
  const [, code = ''] = /<Code>(\w{1,64})<\/Code>/.exec(answer.text) ?? [];
  throw new UploadError(`${piece.name} was refused by S3: ${answer.status} ${code}`, answer.status);
}

async function sendPiece(sending: Sending, piece: Piece): Promise<void> {
  await retried(
    async (triesBefore) => put(sending, piece, await piece.urlOf(triesBefore)),
    waitAfter,
    sending.signal,
  );
  tellThere(sending, piece.end - piece.start);
}

async function* piecesOf({ client, source, signal }: Sending, upload: Upload, numbers: readonly number[]) {
  if (upload.method === 'put') return;
  const { id, partSize, partCount } = upload;
  const sign = async (...wanted: number[]) => (await client.signParts(id, wanted, { signal })).parts;
  for (let next = 0; next < numbers.length; next += SIGNED_TOGETHER) {
    for (const { number, url } of await sign(...numbers.slice(next, next + SIGNED_TOGETHER))) {
      const start = (number - 1) * partSize;
      const piece: Piece = {
        name: `Part ${number} of ${partCount}`,
        start,
        end: Math.min(start + partSize, source.size),
        urlOf: async (triesBefore) => (triesBefore === 0 ? url : ((await sign(number))[0]?.url ?? url)),
      };
      yield piece;
    }
  }
}

/** Sends the parts that are not there. */
async function sendParts(sending: Sending, upload: Upload & { method: 'multipart' }): Promise<void> {
  const { client, options, signal } = sending;
  const { parts } = await client.listParts(upload.id, { signal });
  const there = new Set(parts.map(({ number }) => number));
  tellThere(
    sending,
    parts.reduce((sum, { size }) => sum + size, 0),
  );
  const numbers = Array.from({ length: upload.partCount }, (_, index) => index + 1);
  const pieces = piecesOf(
    sending,
    upload,
    numbers.filter((number) => !there.has(number)),
  );
  const sendOnes = async () => {
    for await (const piece of pieces) await sendPiece(sending, piece);
  };
  await Promise.all(Array.from({ length: options.parallel ?? PARALLEL }, sendOnes));
}

async function sendWhole(sending: Sending, upload: Upload & { method: 'put' }): Promise<void> {
  const { client, source, signal } = sending;
  const { url } = upload;
  if (url === undefined) return; // it is a video already
  tellProgress(sending);
  const again = async () => {
    const shown = await client.showUpload(upload.id, { signal });
    return (shown.method === 'put' && shown.url) || url;
  };
  await sendPiece(sending, {
    name: 'The file',
    start: 0,
    end: source.size,
    urlOf: async (triesBefore) => (triesBefore === 0 ? url : again()),
    headers: upload.headers,
  });
}

/** Whether all of an upload is there already, by completing it. */
async function isComplete({ client, signal }: Sending, id: string): Promise<boolean> {
  try {
    await client.completeUpload(id, { signal });
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.code === 'conflict' || error.code === 'parts-missing'))
      return false;
    throw error;
  }
}

async function begin({ client, source, options, signal }: Sending): Promise<Upload> {
  const { fileName = source.name, type = source.type, title, metadata, options: encode } = options;
  if (fileName === undefined) throw new TypeError('An upload needs a fileName');
  const described: CreateUpload = {
    fileName,
    size: source.size,
    type: type || UNKNOWN_TYPE,
    ...(title !== undefined && { title }),
    ...(metadata && { metadata }),
    ...(encode && { options: encode }),
  };
  return client.createUpload(described, { signal });
}

async function resume({ client, source, signal }: Sending, id: string): Promise<Upload> {
  const upload = await client.showUpload(id, { signal });
  if (upload.size !== source.size)
    throw new TypeError(`The upload ${id} is for a file of ${upload.size} bytes, not ${source.size}`);
  return upload;
}

/** See `SpotreelClient.upload`. */
export async function uploadWith(
  client: Endpoints,
  source: UploadSource,
  options: UploadOptions,
): Promise<Upload> {
  // Where one part fails for good, the others need not go on.
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const sending: Sending = { client, source, options, signal, sentBytes: 0, onTheWay: new Map() };
  try {
    const upload =
      options.resume === undefined ? await begin(sending) : await resume(sending, options.resume);
    await options.onCreated?.(upload);
    if (options.resume !== undefined && (await isComplete(sending, upload.id))) {
      tellThere(sending, source.size);
      return upload;
    }
    if (upload.method === 'multipart') await sendParts(sending, upload);
    else await sendWhole(sending, upload);
    await client.completeUpload(upload.id, { signal });
    return upload;
  } finally {
    failed.abort(new Error('The upload has ended'));
  }
}
