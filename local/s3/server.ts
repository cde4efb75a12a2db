/**
 * Amazon S3 on a laptop, path style, on the loopback interface: what the platform and its clients use of it, refused
 * and answered as S3 does. Bodies stream; every acknowledged write is whole after `kill -9`.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { listen } from '../aws/http.ts';
import { xmlDocument } from '../aws/xml.ts';
import { corsHeaders, preflightHeaders } from './cors.ts';
import { S3Error } from './errors.ts';
import { deleteObjects, getBucketLocation, headBucket, listBuckets, listObjects } from './listing.ts';
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listMultipartUploads,
  listParts,
  uploadPart,
  uploadPartCopy,
} from './multipart.ts';
import { copyObject, deleteObject, getObject, putObject, sendXml } from './objects.ts';
import { postObject } from './post-form.ts';
import { parsePath, type S3Request } from './request.ts';
import { type Credentials, verify } from './sigv4.ts';
import { type BucketSettings, Storage } from './storage.ts';

export interface S3Options {
  /** Folder of everything; made where it is missing. One process at a time may use it. */
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  /** The secret, and the session token, of an access key; undefined for keys that are not known. */
  readonly credentials: Credentials;
  readonly buckets: readonly BucketSettings[];
  /** Puts an event onto its queue; called again until it resolves. */
  readonly notify: (bucket: string, eventJson: string) => Promise<void>;
}

export interface S3Server {
  readonly url: string;
  readonly port: number;
  close(): Promise<void>;
}

type Operation = (request: S3Request) => Promise<void>;

/** Which operation a request means. Throws where it is none that is built here. */
function operationOf({ method, bucket, key, query, headers }: S3Request): Operation {
  if (bucket === '') return listBuckets;
  const isCopy = headers['x-amz-copy-source'] !== undefined;
  const has = (name: string) => query.has(name);
  if (key === '') {
    if (method === 'HEAD') return headBucket;
    if (method === 'GET' && has('location')) return getBucketLocation;
    if (method === 'GET' && has('uploads')) return listMultipartUploads;
    if (method === 'GET' && query.get('list-type') === '2') return listObjects;
    if (method === 'POST' && has('delete')) return deleteObjects;
    throw new S3Error('NotImplemented', `${method} of a bucket with ?${query}`);
  }
  if (has('uploadId')) {
    if (method === 'PUT') return isCopy ? uploadPartCopy : uploadPart;
    if (method === 'POST') return completeMultipartUpload;
    if (method === 'DELETE') return abortMultipartUpload;
    if (method === 'GET') return listParts;
  }
  if (method === 'POST' && has('uploads')) return createMultipartUpload;
  if (method === 'GET' || method === 'HEAD') return getObject;
  if (method === 'PUT') return isCopy ? copyObject : putObject;
  if (method === 'DELETE') return deleteObject;
  throw new S3Error('MethodNotAllowed', method);
}

async function handle(
  options: S3Options,
  storage: Storage,
  body: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [rawPath = '/', search = ''] = (body.url ?? '/').split('?');
  const { bucket, key } = parsePath(rawPath);
  const rules = storage.settings(bucket)?.cors ?? [];
  const { method = '', headers } = body;
  if (method === 'OPTIONS') {
    response.writeHead(200, preflightHeaders(rules, body)).end();
    return;
  }
  for (const [name, value] of Object.entries(corsHeaders(rules, body))) response.setHeader(name, value);
  if (method === 'POST' && key === '' && headers['content-type']?.startsWith('multipart/form-data')) {
    return postObject(storage, options.credentials, bucket, body, response);
  }
  const query = new URLSearchParams(search.replaceAll('+', '%2B'));
  const signed = verify({ method, rawPath, query, headers }, options.credentials);
  const request: S3Request = { storage, method, bucket, key, query, headers, signed, body, response };
  await operationOf(request)(request);
}

/** Answers an error as S3 does: XML, but no body where there must be none. */
function refuse(error: unknown, { method, url, errored }: IncomingMessage, response: ServerResponse): void {
  if (errored) return; // the client broke off, there is nobody to answer
  if (response.headersSent) return void response.destroy();
  const known = error instanceof S3Error;
  if (!known) console.error(`S3 could not answer ${method} ${url?.split('?')[0]}:`, error);
  const status = known ? error.status : 500;
  // What is left of a refused body is not read: the connection ends with the answer.
  const headers = {
    'x-amz-request-id': randomUUID(),
    ...(method === 'PUT' || method === 'POST' ? { connection: 'close' } : {}),
  };
  if (method === 'HEAD' || status === 304) return void response.writeHead(status, headers).end();
  const content = {
    Code: known ? error.code : 'InternalError',
    Message: known ? error.message : 'We encountered an internal error',
    Resource: url?.split('?')[0] ?? '',
  };
  sendXml(response, status, xmlDocument('Error', '', content).replace(' xmlns=""', ''), headers);
}

/** Starts S3. Rejects where the port or the folder can not be used. */
export async function startS3(options: S3Options): Promise<S3Server> {
  const storage = await Storage.open(options);
  const server = await listen(options.port, (request, response) => {
    // Clients with large bodies ask first (RFC 9110, 10.1.1); Node says "go on" by itself.
    handle(options, storage, request, response).catch((error: unknown) => refuse(error, request, response));
  });
  return {
    url: server.url,
    port: server.port,
    async close() {
      await server.close();
      await storage.close();
    },
  };
}
