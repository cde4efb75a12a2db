/** Browser uploads by POST: a multipart form (RFC 7578) with a signed policy, the file last. */
import type { IncomingHttpHeaders } from 'node:http';
import { checkDigests, claimedChecksum, digest } from './body.ts';
import { S3Error } from './errors.ts';
import { recordOf } from './objects.ts';
import { checkPolicy, type LengthRange } from './post-policy.ts';
import { type Answer, checkedKey, emptyAnswer, storedHeaders, xmlAnswer } from './request.ts';
import { type Verifier, verifyPolicy } from './sigv4.ts';
import type { Storage } from './storage.ts';

/** Bytes of a field, and of all headers of a part, at most. */
const LONGEST_FIELD = 64 * 1024;

/** A form taken apart: the fields first, then the file's bytes as they come. */
class Form {
  readonly fields = new Map<string, string>();
  fileName = '';
  readonly #source: AsyncIterator<Buffer>;
  readonly #boundary: Buffer;
  #rest: Buffer;

  constructor(source: AsyncIterable<Buffer>, boundary: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#boundary = Buffer.from(`\r\n--${boundary}`);
    this.#rest = Buffer.from('\r\n'); // so that the first boundary looks like all others
  }

  async #more(): Promise<void> {
    const { value, done } = await this.#source.next();
    if (done) throw new S3Error('IncompleteBody', 'the form has no end');
    this.#rest = Buffer.concat([this.#rest, value]);
  }

  async #until(mark: Buffer): Promise<Buffer> {
    for (;;) {
      const at = this.#rest.indexOf(mark);
      if (at >= 0) {
        const before = this.#rest.subarray(0, at);
        this.#rest = this.#rest.subarray(at + mark.length);
        return before;
      }
      if (this.#rest.length > LONGEST_FIELD) throw new S3Error('InvalidRequest', 'a field is too long');
      await this.#more();
    }
  }

  /** Reads the fields up to where the file's bytes begin. */
  async readFields(): Promise<void> {
    await this.#until(this.#boundary);
    for (;;) {
      const header = (await this.#until(Buffer.from('\r\n\r\n'))).toString('utf8');
      const [, name = ''] = /name="([^"]*)"/i.exec(header) ?? [];
      if (name.toLowerCase() === 'file') {
        this.fileName = /filename="([^"]*)"/i.exec(header)?.[1] ?? '';
        return;
      }
      this.fields.set(name.toLowerCase(), (await this.#until(this.#boundary)).toString('utf8'));
    }
  }

  /** The file's bytes, up to the next boundary. */
  async *file(): AsyncGenerator<Buffer> {
    for (;;) {
      const at = this.#rest.indexOf(this.#boundary);
      if (at >= 0) {
        yield this.#rest.subarray(0, at);
        return;
      }
      const safe = this.#rest.length - this.#boundary.length;
      if (safe > 0) {
        yield this.#rest.subarray(0, safe);
        this.#rest = this.#rest.subarray(safe);
      }
      await this.#more();
    }
  }
}

/** A form comes without a signature of its request: its policy is signed. */
export interface PostRequest {
  readonly storage: Storage;
  readonly bucket: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
}

/** Passes bytes on; throws where they are too few or too many. */
async function* limited(
  bytes: AsyncIterable<Buffer>,
  { shortest, longest }: LengthRange,
): AsyncGenerator<Buffer> {
  let length = 0;
  for await (const piece of bytes) {
    length += piece.length;
    if (length > longest) throw new S3Error('EntityTooLarge', `more than ${longest} bytes`);
    yield piece;
  }
  if (length < shortest) throw new S3Error('EntityTooSmall', `${length} bytes of at least ${shortest}`);
}

/** Stores a form's file as its policy allows. */
export async function postObject(
  { storage, bucket, headers, body }: PostRequest,
  verifier: Verifier,
): Promise<Answer> {
  storage.bucket(bucket);
  const [, boundary] = /boundary="?([^";]+)"?/.exec(headers['content-type'] ?? '') ?? [];
  if (boundary === undefined) throw new S3Error('InvalidRequest', 'the body is no multipart form');
  const form = new Form(body, boundary);
  await form.readFields();
  const { fields } = form;
  verifyPolicy(fields, verifier);
  const range = checkPolicy(fields, bucket);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the placeholder that S3's forms use
  const key = checkedKey((fields.get('key') ?? '').replaceAll('${filename}', () => form.fileName));
  if (key === '') throw new S3Error('InvalidArgument', "the form has no field 'key' before its file");
  const asHeaders = Object.fromEntries(fields);
  const algorithm = claimedChecksum(asHeaders)?.algorithm;
  const record = await storage.blobs.write(
    (write) => digest(limited(form.file(), range), write, algorithm),
    (blob, received) => {
      checkDigests(received, asHeaders);
      const created = recordOf(key, blob, received, storedHeaders(asHeaders));
      storage.putObject(bucket, created, 'ObjectCreated:Post');
      return created;
    },
  );
  return formAnswer(fields.get('success_action_status'), bucket, key, `"${record.etag}"`);
}

/** The status that the form asked for, one of three. */
function formAnswer(status: string | undefined, bucket: string, key: string, etag: string): Answer {
  const location = `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`;
  const headers = { etag, location };
  if (status !== '201') return emptyAnswer(status === '200' ? 200 : 204, headers);
  return xmlAnswer(
    'PostResponse',
    { Location: location, Bucket: bucket, Key: key, ETag: etag },
    headers,
    201,
  );
}
