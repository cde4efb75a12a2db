/**
 * Browser uploads by POST: a multipart form whose policy says what may be uploaded.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { S3Error } from './errors.ts';
import { recordOf, sendXml, store } from './objects.ts';
import { storedHeaders } from './request.ts';
import { type Credentials, verifyPolicy } from './sigv4.ts';
import type { Storage } from './storage.ts';
import { answerXml } from './xml.ts';

/** Bytes of all fields before the file. */
const MOST_FIELDS = 64 * 1024;

type Condition = Record<string, string> | [string, string, string] | ['content-length-range', number, number];

/** Fields that a policy need not mention. */
const FREE = new Set(['policy', 'x-amz-signature', 'file', 'success_action_status']);

interface Policy {
  readonly longest: number;
  readonly shortest: number;
}

/** Checks the fields against the policy's conditions; gives the limits of the file's length. */
function checkPolicy(fields: ReadonlyMap<string, string>, bucket: string): Policy {
  let policy: { expiration: string; conditions: Condition[] };
  try {
    policy = JSON.parse(Buffer.from(fields.get('policy') ?? '', 'base64').toString('utf8'));
  } catch {
    throw new S3Error('InvalidArgument', 'the policy is not JSON in base64');
  }
  if (!(Date.parse(policy.expiration) > Date.now()))
    throw new S3Error('AccessDenied', 'Invalid according to Policy: Policy expired');
  const values = new Map([...fields, ['bucket', bucket]]);
  const mentioned = new Set(['bucket']);
  let limits: Policy = { shortest: 0, longest: 5 * 1024 ** 3 };
  for (const condition of policy.conditions) {
    if (Array.isArray(condition) && condition[0] === 'content-length-range') {
      limits = { shortest: Number(condition[1]), longest: Number(condition[2]) };
      continue;
    }
    const rules = Array.isArray(condition)
      ? [
          {
            operator: condition[0],
            field: String(condition[1]).replace(/^\$/, ''),
            wanted: String(condition[2]),
          },
        ]
      : Object.entries(condition).map(([field, wanted]) => ({ operator: 'eq', field, wanted }));
    for (const { operator, field, wanted } of rules) {
      const value = values.get(field.toLowerCase()) ?? '';
      mentioned.add(field.toLowerCase());
      const holds = operator === 'starts-with' ? value.startsWith(wanted) : value === wanted;
      if (!holds)
        throw new S3Error(
          'AccessDenied',
          `Invalid according to Policy: Policy Condition failed: ${JSON.stringify(condition)}`,
        );
    }
  }
  const extra = [...fields.keys()].find(
    (name) => !mentioned.has(name) && !FREE.has(name) && !name.startsWith('x-ignore-'),
  );
  if (extra) throw new S3Error('AccessDenied', `Invalid according to Policy: Extra input fields: ${extra}`);
  return limits;
}

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
      if (this.#rest.length > MOST_FIELDS) throw new S3Error('InvalidRequest', 'the fields are too long');
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

export async function postObject(
  storage: Storage,
  credentials: Credentials,
  bucket: string,
  body: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  storage.bucket(bucket);
  const [, boundary] = /boundary="?([^";]+)"?/.exec(body.headers['content-type'] ?? '') ?? [];
  if (boundary === undefined) throw new S3Error('InvalidRequest', 'the body is no multipart form');
  const form = new Form(body, boundary);
  await form.readFields();
  const { fields } = form;
  verifyPolicy(fields, credentials);
  const limits = checkPolicy(fields, bucket);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the placeholder that S3's forms use
  const key = (fields.get('key') ?? '').replaceAll('${filename}', form.fileName);
  if (key === '') throw new S3Error('InvalidArgument', 'the form has no key');

  const md5 = createHash('md5');
  const { blob, result: size } = await storage.blobs.write(async (write) => {
    let length = 0;
    for await (const bytes of form.file()) {
      length += bytes.length;
      if (length > limits.longest) throw new S3Error('EntityTooLarge', `more than ${limits.longest} bytes`);
      md5.update(bytes);
      await write(bytes);
    }
    if (length < limits.shortest)
      throw new S3Error('EntityTooSmall', `${length} bytes of at least ${limits.shortest}`);
    return length;
  });
  body.resume();
  if (!body.readableEnded) await once(body, 'end').catch(() => undefined);
  const record = recordOf(
    key,
    blob,
    { size, md5: md5.digest('hex'), checksum: undefined },
    storedHeaders(Object.fromEntries(fields)),
  );
  await store(storage, bucket, record, 'ObjectCreated:Post', () => undefined);
  const status = Number(fields.get('success_action_status') ?? 204);
  const headers = { etag: `"${record.etag}"`, location: `/${bucket}/${encodeURIComponent(key)}` };
  if (status === 201)
    sendXml(
      response,
      201,
      answerXml('PostResponse', { Bucket: bucket, Key: key, ETag: headers.etag }),
      headers,
    );
  else response.writeHead(status === 200 ? 200 : 204, headers).end();
}
