/**
 * AWS IoT Core on a laptop, as far as live progress uses it: one address with MQTT over WebSocket at `/mqtt` for who
 * listens, and the data plane's Publish for who tells. Retained messages live as long as the process: what they
 * tell is derived from S3.
 * https://docs.aws.amazon.com/iot/latest/apireference/API_iotdata_Publish.html
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { z } from 'zod';
import { ACCOUNT } from '../aws/account.ts';
import { type ApiAnswer, type ApiRequest, apiListener, listen } from '../aws/http.ts';
import { type Authorize, accessKeyOf, allowAll } from '../iam/iam.ts';
import { type FunctionOptions, LambdaFunction } from '../lambda/function.ts';
import { type Broker, startBroker } from './broker.ts';

/** Bytes of the largest message that IoT takes. */
const LARGEST_MESSAGE = 128 * 1024;

export interface IotOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
  /** The function that judges who connects. */
  readonly authorizer: FunctionOptions;
}

export interface Iot {
  /** Of the data plane: `http://127.0.0.1:<port>` */
  readonly url: string;
  /** Of the broker, for clients: `ws://127.0.0.1:<port>/mqtt` */
  readonly mqttUrl: string;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

const publishSchema = z.object({
  topic: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^+#\0]+$/),
  qos: z.enum(['0', '1']).default('0'),
  retain: z.enum(['true', 'false']).default('false'),
  /** Seconds. */
  messageExpiry: z.coerce.number().int().positive().optional(),
});

const json = (status: number, body: object): ApiAnswer => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

const forbidden = (message: string): ApiAnswer => ({
  status: 403,
  headers: { 'content-type': 'application/json', 'x-amzn-errortype': 'ForbiddenException' },
  body: JSON.stringify({ message }),
});

/** Answers Publish. Of a retained message that expires, the topic is cleared: aedes speaks MQTT 3.1.1. */
function publisher(broker: Broker, { region, authorize = allowAll }: IotOptions) {
  const expiries = new Map<string, NodeJS.Timeout>();
  return async ({ path, headers, body }: ApiRequest): Promise<ApiAnswer> => {
    const url = new URL(path, 'http://localhost');
    const [, name] = /^\/topics\/(.+)$/.exec(url.pathname) ?? [];
    if (name === undefined) return json(404, { message: `There is nothing at ${path}` });
    const parsed = publishSchema.safeParse({
      ...Object.fromEntries(url.searchParams),
      topic: decodeURIComponent(name),
    });
    if (!parsed.success) return json(400, { message: z.prettifyError(parsed.error) });
    if (Buffer.byteLength(body) > LARGEST_MESSAGE) return json(413, { message: 'The payload is too large' });
    const { topic, qos, retain, messageExpiry } = parsed.data;
    const resource = `arn:aws:iot:${region}:${ACCOUNT}:topic/${topic}`;
    for (const action of ['iot:Publish', ...(retain === 'true' ? ['iot:RetainPublish'] : [])])
      if (!authorize(accessKeyOf(headers), { action, resource }))
        return forbidden(`${action} on ${resource} is not allowed`);
    await broker.publish({ topic, payload: body, qos: qos === '1' ? 1 : 0, retain: retain === 'true' });
    clearTimeout(expiries.get(topic));
    expiries.delete(topic);
    if (retain === 'true' && messageExpiry !== undefined) {
      const clear = () => void broker.publish({ topic, payload: '', qos: 0, retain: true });
      expiries.set(topic, setTimeout(clear, messageExpiry * 1000).unref());
    }
    return json(200, { message: 'OK' });
  };
}

/** Starts it. */
export async function startIot(options: IotOptions): Promise<Iot> {
  const { port, region } = options;
  const authorizer = await LambdaFunction.open(options.authorizer);
  const broker = await startBroker({ authorizer, arn: `arn:aws:iot:${region}:${ACCOUNT}` });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LARGEST_MESSAGE });
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (!/^\/mqtt(\?|$)/.test(request.url ?? '')) {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (connected) => {
      broker.handle(createWebSocketStream(connected), request);
    });
  };
  const server = await listen(port, apiListener(publisher(broker, options)), { onUpgrade });
  return {
    url: server.url,
    mqttUrl: `${server.url.replace('http', 'ws')}/mqtt`,
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      await server.close();
      await broker.close();
      await authorizer.end();
      await authorizer.close();
    },
  };
}
