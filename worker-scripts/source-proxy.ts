/**
 * The loopback range proxy: ffmpeg reads a source by plain HTTP from here, and only this process holds credentials
 * (DESIGN, idea 7). Reads the exact object that was claimed, by its ETag.
 */
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as TcpServer } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GetObjectCommand, type S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { MarkFinder } from './mark-finder.ts';

export interface SourceObject {
  readonly bucket: string;
  readonly key: string;
  /** Without one, whatever is there is read. */
  readonly etag?: string;
}

/** Looks for a mark in whatever is read from now on. @returns asks whether it was there so far */
export type LookFor = (mark: Buffer) => () => boolean;

/** One source that may be read while a task runs. */
export interface OpenSource {
  readonly url: string;
  /** Why a read was refused or broke: the object is another one, or gone, or S3 is out of reach. */
  readonly error: () => Error | undefined;
  readonly lookFor: LookFor;
  close(): void;
}

interface Entry {
  readonly object: SourceObject;
  error: Error | undefined;
  sought: { readonly mark: Buffer; found: boolean } | undefined;
}

export class SourceProxy {
  readonly #s3: S3Client;
  readonly #sources = new Map<string, Entry>();
  readonly #server: Server;

  private constructor(s3: S3Client) {
    this.#s3 = s3;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  /** Listens on a free loopback port. */
  static async start(s3: S3Client): Promise<SourceProxy> {
    const proxy = new SourceProxy(s3);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Makes a source readable under a URL that nobody can guess, until it is closed. */
  open(object: SourceObject): OpenSource {
    const path = `/${randomUUID()}`;
    const entry: Entry = { object, error: undefined, sought: undefined };
    this.#sources.set(path, entry);
    return {
      url: `http://127.0.0.1:${this.port}${path}`,
      error: () => entry.error,
      lookFor: (mark) => {
        const sought = { mark, found: false };
        entry.sought = sought;
        return () => sought.found;
      },
      close: () => this.#sources.delete(path),
    };
  }

  get port(): number {
    const { port } = this.#server.address() as AddressInfo; // it listens on TCP
    return port;
  }

  /** Answers the connections of another socket, too: the cage's. */
  alsoOn(other: TcpServer): void {
    other.on('connection', (socket) => this.#server.emit('connection', socket));
    this.#server.once('close', () => other.close());
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const entry = this.#sources.get(request.url ?? '');
    if (!entry || request.method !== 'GET') {
      response.writeHead(entry ? 405 : 404).end();
      return;
    }
    const { bucket, key, etag } = entry.object;
    const abort = new AbortController();
    // ffmpeg asks for all that follows and hangs up when it has enough.
    response.on('close', () => abort.abort());
    try {
      const object = await this.#s3.send(
        new GetObjectCommand({
          Bucket: bucket,
          Key: key,
          ...(etag !== undefined && { IfMatch: `"${etag}"` }),
          Range: request.headers.range,
        }),
        { abortSignal: abort.signal },
      );
      response.writeHead(object.ContentRange === undefined ? 200 : 206, {
        'accept-ranges': 'bytes',
        'content-length': object.ContentLength ?? 0,
        ...(object.ContentRange !== undefined && { 'content-range': object.ContentRange }),
      });
      if (!(object.Body instanceof Readable)) throw new TypeError('S3 answered without a body');
      // Heard here, for the pipeline ends the response, too, and then it looks as if ffmpeg had hung up.
      object.Body.once('error', (error) => {
        if (!abort.signal.aborted) entry.error ??= error;
      });
      const { sought } = entry;
      if (sought) {
        const finder = new MarkFinder(sought.mark);
        object.Body.on('data', (piece: Buffer) => {
          sought.found ||= finder.read(piece);
        });
      }
      await pipeline(object.Body, response);
    } catch (error) {
      // ffmpeg hangs up when it has enough, and may ask for what lies behind the end of a file that is cut off.
      const outside = error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416;
      if (!abort.signal.aborted && !outside)
        entry.error ??= error instanceof Error ? error : new Error(String(error));
      if (!response.headersSent) response.writeHead(outside ? 416 : 502);
      response.end();
      response.destroy(); // ffmpeg must see a broken read, not the end of the file
    }
  }
}
