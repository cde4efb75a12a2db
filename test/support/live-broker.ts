/** A broker that lets everybody hear everything: for pages that follow videos of a test. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Aedes } from 'aedes';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { EVERY_VIDEO, type Live, liveTopic } from '../../jobs/live-message.ts';

const PREFIX = 'test';

export interface LiveBroker {
  /** `ws://127.0.0.1:<port>` */
  readonly url: string;
  /** What the API answers to who wants to follow a video, or all of them. */
  access(video: string | undefined): object;
  /** Tells who follows, and whoever will. */
  publish(message: Live): Promise<void>;
  close(): Promise<void>;
}

/** Starts it. */
export async function startLiveBroker(): Promise<LiveBroker> {
  const broker = await Aedes.createBroker();
  const server = createServer();
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => broker.handle(createWebSocketStream(socket), request));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
  let clients = 0;
  return {
    url,
    access: (video = EVERY_VIDEO) => ({
      url,
      topic: liveTopic(PREFIX, video),
      clientId: `test-${++clients}`,
      token: 'none',
      expiresAt: '2100-01-01T00:00:00Z',
    }),
    publish: (message) =>
      new Promise((done, fail) =>
        broker.publish(
          {
            cmd: 'publish',
            topic: liveTopic(PREFIX, message.id),
            payload: JSON.stringify(message),
            qos: 1,
            retain: true,
            dup: false,
          },
          (error) => (error ? fail(error) : done()),
        ),
      ),
    async close() {
      for (const socket of sockets.clients) socket.terminate();
      await new Promise((done) => broker.close(() => done(undefined)));
      await new Promise((done) => server.close(done));
    },
  };
}
