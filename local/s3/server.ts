/**
 * Amazon S3 on a laptop, path style, on the loopback interface: what the platform and its clients use of it, refused
 * and answered as S3 does. Bodies stream; every acknowledged write is whole after `kill -9`.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listen } from '../aws/http.ts';
import type { FaultHooks, S3Fault } from '../faults/hooks.ts';
import { type Authorize, allowAll } from '../iam/iam.ts';
import { free } from './blobs.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { S3Error } from './errors.ts';
import {
  createBucket,
  deleteObjects,
  getBucketLocation,
  headBucket,
  listBuckets,
  listObjects,
} from './listing.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
  uploadPartCopy,
} from './multipart.ts';
import { copyObject, deleteObject, getObject, putObject } from './objects.ts';
import { absence, checkPermissions } from './permissions.ts';
import { postObject } from './post-form.ts';
import {
  type Answer,
  emptyAnswer,
  errorAnswer,
  type Operation,
  parsePath,
  type S3Request,
} from './request.ts';
import { type Credentials, effectiveHeaders, verify } from './sigv4.ts';
import { type BucketSettings, DAY_MS, Storage } from './storage.ts';

export interface S3Options {
  /** Folder of everything; made where it is missing. One process at a time may use it. */
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The one that clients must sign for. */
  readonly region: string;
  /** The secret, and the session token, of an access key; undefined for keys that are not known. */
  readonly credentials: Credentials;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
  /** They are there from the start; clients may create more. */
  readonly buckets: readonly BucketSettings[];
  /** Puts an event onto its queue; called again until it resolves. */
  readonly notify: (queue: string, eventJson: string) => Promise<void>;
  /** Days after which the parts of an upload that nobody completed go, as by a lifecycle rule of every bucket. */
  readonly incompleteUploadDays: number;
  /** Disturbs requests, for tests of those who make them. */
  readonly faults?: FaultHooks;
}

export interface S3Server {
  readonly url: string;
  readonly port: number;
  /** Ends the connections that are open. Events that nobody took are told again at the next start. */
  close(): Promise<void>;
}

/** Milliseconds between two looks at what is over by a lifecycle rule; S3 itself takes up to a day more. */
const EXPIRY_MS = 3600 * 1000;

/** Parameters that name something else than an object or a bucket: without these, a GET or PUT would mistake them. */
const OTHER_RESOURCES = [
  'acl',
  'attributes',
  'legal-hold',
  'renameObject',
  'restore',
  'retention',
  'select',
  'tagging',
  'torrent',
  'versionId',
];

/** Which operation a request means. Throws where it is none that is built here. */
function operationOf({ method, bucket, key, query, headers }: S3Request): Operation {
  if (bucket === '') return listBuckets;
  const operation = key === '' ? bucketOperation(method, query) : objectOperation(method, query, headers);
  const other = OTHER_RESOURCES.find((name) => query.has(name));
  if (!operation || other !== undefined)
    throw new S3Error(
      'NotImplemented',
      `${method} of ${key === '' ? 'a bucket' : 'an object'} with '?${query}'`,
    );
  return operation;
}

function bucketOperation(method: string, query: URLSearchParams): Operation | undefined {
  if (method === 'HEAD') return headBucket;
  if (method === 'PUT' && [...query.keys()].every((name) => /^x-/i.test(name))) return createBucket;
  if (method === 'GET' && query.has('location')) return getBucketLocation;
  if (method === 'GET' && query.has('uploads')) return listMultipartUploads;
  if (method === 'GET' && query.get('list-type') === '2') return listObjects;
  if (method === 'POST' && query.has('delete')) return deleteObjects;
  return undefined;
}

function objectOperation(
  method: string,
  query: URLSearchParams,
  headers: S3Request['headers'],
): Operation | undefined {
  const isCopy = headers['x-amz-copy-source'] !== undefined;
  if (query.has('uploadId')) {
    if (method === 'PUT') return isCopy ? uploadPartCopy : uploadPart;
    if (method === 'POST') return completeMultipartUpload;
    if (method === 'DELETE') return abortMultipartUpload;
    return method === 'GET' ? listParts : undefined;
  }
  if (query.has('partNumber')) return undefined;
  if (method === 'POST') return query.has('uploads') ? createMultipartUpload : undefined;
  if (method === 'GET' || method === 'HEAD') return getObject;
  if (method === 'PUT') return isCopy ? copyObject : putObject;
  return method === 'DELETE' ? deleteObject : undefined;
}

interface Exchange {
  readonly options: S3Options;
  readonly storage: Storage;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The request's body. */
  readonly body: AsyncIterable<Buffer>;
}

async function answerOf({ options, storage, request, response, body }: Exchange): Promise<Answer> {
  const [rawPath = '/', search = ''] = (request.url ?? '/').split('?');
  const { bucket, key } = parsePath(rawPath);
  const { method = '', headers } = request;
  const rules = storage.corsRules(bucket);
  if (method === 'OPTIONS') return emptyAnswer(200, preflightHeaders(rules, request));
  for (const [name, value] of Object.entries(corsHeaders(rules, request))) response.setHeader(name, value);
  if (method === 'POST' && key === '' && headers['content-type']?.startsWith('multipart/form-data'))
    return postObject({ storage, bucket, headers, body }, options);
  const query = new URLSearchParams(search.replaceAll('+', '%2B'));
  const signable = { method, rawPath, query, headers };
  const signed = verify(signable, options);
  const { authorize = allowAll } = options;
  const s3Request: S3Request = {
    storage,
    method,
    bucket,
    key,
    query,
    headers: effectiveHeaders(signable),
    signed,
    may: (call) => authorize(signed.accessKeyId, call),
    body,
  };
  const operation = operationOf(s3Request);
  checkPermissions(operation, s3Request);
  return operation(s3Request).catch((error: unknown) => {
    throw absence(error, s3Request);
  });
}

/** What to answer, refusals included, once everything that it says is on disk. */
async function settledAnswer(exchange: Exchange): Promise<Answer> {
  const { request, storage } = exchange;
  const resource = request.url?.split('?')[0] ?? '';
  try {
    const answer = await answerOf(exchange).catch((error: unknown) => {
      if (!(error instanceof S3Error)) throw error;
      return errorAnswer(error.status, error.code, error.message, resource);
    });
    await storage.flushed();
    return answer;
  } catch (error) {
    if (!request.errored) console.error(`S3 could not answer ${request.method} ${resource}:`, error);
    return errorAnswer(500, 'InternalError', 'We encountered an internal error. Please try again.', resource);
  }
}

/** The answer, or 503 in its place where the request is to fail before or after it was carried out. */
async function disturbedAnswer(exchange: Exchange, fault: S3Fault | undefined): Promise<Answer> {
  const answer = fault?.refuse === 'before' ? undefined : await settledAnswer(exchange);
  if (answer && fault?.refuse === undefined) return answer;
  answer?.done?.();
  const { status, code, message } = new S3Error('SlowDown');
  return errorAnswer(status, code, message, exchange.request.url?.split('?')[0] ?? '');
}

async function send(answer: Answer, { request, response }: Exchange, slowMs = 0): Promise<void> {
  if (request.errored) return; // the client broke off, there is nobody to answer
  const { status, headers, body } = answer;
  response.writeHead(status, {
    ...headers,
    ...(typeof body === 'string' && { 'content-length': Buffer.byteLength(body) }),
    'x-amz-request-id': randomUUID(),
  });
  if (slowMs > 0) {
    response.flushHeaders();
    await sleep(slowMs);
  }
  if (request.method === 'HEAD' || typeof body !== 'object') return void response.end(body);
  try {
    for await (const bytes of body) {
      if (!(await isSent(bytes, response))) return; // the client has read enough
      free(bytes);
    }
    response.end();
  } catch (error) {
    console.error(`S3 could not read ${request.url?.split('?')[0]} to its end:`, error);
    response.destroy();
  }
}

/** Whether a client took them. A response whose socket is just being destroyed calls nobody back; it only closes. */
const isSent = (bytes: Buffer, response: ServerResponse): Promise<boolean> =>
  new Promise((resolve) => {
    const onClose = () => resolve(false);
    response.once('close', onClose);
    response.write(bytes, (error) => {
      response.off('close', onClose);
      resolve(!error);
    });
  });

async function handle(
  options: S3Options,
  storage: Storage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = request.iterator({ destroyOnReturn: false });
  const exchange = { options, storage, request, response, body };
  const fault = options.faults?.s3Request(request.method ?? '', request.url ?? '', request.headers);
  const answer = await disturbedAnswer(exchange, fault);
  // What is left of a refused body is read to its end, unseen: clients that listen only when they have sent all of it
  // (Python's) learn why they were refused, and their connection lives on.
  await body.return?.();
  request.resume();
  await send(answer, exchange, fault?.slowMs).finally(answer.done);
}

/** Starts S3. Rejects where the port or the folder can not be used. */
export async function startS3(options: S3Options): Promise<S3Server> {
  const storage = await Storage.open(options);
  const expire = () => {
    storage.abortUploadsBefore(new Date(Date.now() - options.incompleteUploadDays * DAY_MS));
    storage.deleteExpired(new Date());
  };
  expire();
  const expiry = setInterval(expire, EXPIRY_MS).unref();
  const running = new Set<Promise<void>>();
  const server = await listen(
    options.port,
    (request, response) => {
      const work = handle(options, storage, request, response).finally(() => running.delete(work));
      running.add(work);
    },
    { requestTimeout: 0 }, // an upload takes as long as it takes
  );
  return {
    url: server.url,
    port: server.port,
    async close() {
      clearInterval(expiry);
      await server.close();
      await Promise.all(running);
      await storage.close();
    },
  };
}
