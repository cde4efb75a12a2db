/**
 * The HTTP under the SQS, EC2 and instance-metadata emulators: loopback only, bounded bodies, a request id on
 * every answer. POST without an `Origin` is all that the AWS APIs take here, so that no web page which a browser
 * on this machine shows can send a message or start a machine.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerOptions,
} from 'node:http';
import type { Duplex } from 'node:stream';

/** Ten messages of 1 MiB in all, every byte of them escaped as `\u0000` or `%00`: nothing honest is larger. */
const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** The port is above it by far for AWS's SDKs, which keep connections for seconds; Node's own 5 s races them. */
const KEEP_ALIVE_MS = 65_000;

export interface Listening {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Stops listening and ends the connections that are open. */
  close(): Promise<void>;
}

export interface ListenOptions extends ServerOptions {
  /** Takes connections over that are to speak another protocol. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

/** Listens on loopback. @param port 0 takes a free one. Rejects where the port is taken. */
export async function listen(
  port: number,
  listener: RequestListener,
  { onUpgrade, ...options }: ListenOptions = {},
): Promise<Listening> {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, ...options }, listener);
  if (onUpgrade) server.on('upgrade', onUpgrade);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no address');
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

export interface ApiRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Aborts when the client has gone. */
  readonly gone: AbortSignal;
}

export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Called where the client had gone before it was handed the whole answer. */
  readonly undelivered?: () => void;
}

/**
 * A listener for one AWS API. `answer` maps the service's own errors; what it throws is an internal failure.
 * @param methods that it takes; one besides POST must change nothing
 */
export function apiListener(
  answer: (request: ApiRequest) => Promise<ApiAnswer>,
  methods: readonly string[] = ['POST'],
): RequestListener {
  return async (request, response) => {
    const id = randomUUID();
    const gone = new AbortController();
    let undelivered: (() => void) | undefined;
    response.once('close', () => {
      gone.abort();
      if (!response.writableFinished) undelivered?.();
    });
    const send = (status: number, headers: Readonly<Record<string, string>>, body: string) =>
      response.writeHead(status, { ...headers, 'x-amzn-requestid': id }).end(body);
    try {
      const { method = '' } = request;
      if (!methods.includes(method)) {
        const allow = methods.join(', ');
        return send(405, { allow }, `This API takes ${allow} only.\n`);
      }
      if (request.headers.origin !== undefined) return send(403, {}, 'Web pages may not call this API.\n');
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of request as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size > MAX_BODY_BYTES)
          return send(413, { connection: 'close' }, `A request may have ${MAX_BODY_BYTES} bytes.\n`);
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks).toString();
      const path = request.url ?? '/';
      const result = await answer({ id, method, path, headers: request.headers, body, gone: gone.signal });
      if (response.destroyed) return result.undelivered?.();
      undelivered = result.undelivered;
      return send(result.status, result.headers, result.body);
    } catch (error) {
      if (gone.signal.aborted) return;
      console.error(`${request.method} ${request.url}:`, error);
      return send(500, {}, 'InternalFailure\n');
    }
  };
}
