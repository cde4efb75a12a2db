/** A message is neither lost nor counted when its receiver goes away: each stage of a delivery by itself. */
import { once } from 'node:events';
import { request } from 'node:http';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { apiListener, type Listening, listen } from '../../local/aws/http.ts';
import { INITIAL_ATTRIBUTES } from '../../local/sqs/attributes.ts';
import { type JournalRecord, Queue } from '../../local/sqs/queue.ts';

const CONTENT = { body: 'x', attributes: {}, systemAttributes: {}, group: undefined };
const here = () => new AbortController().signal;

function newQueue() {
  const records: JournalRecord[] = [];
  const context = {
    record: (record: JournalRecord) => void records.push(structuredClone(record)),
    arnOf: (name: string) => name,
    byArn: () => undefined,
  };
  const queue = new Queue('q', INITIAL_ATTRIBUTES, 0, context);
  const receive = (options: { gone?: AbortSignal; waitSeconds?: number; visibilitySeconds?: number } = {}) =>
    queue.receive({ max: 10, visibilitySeconds: 60, waitSeconds: 0, gone: here(), ...options });
  return { queue, receive, records };
}

describe('a receiver', () => {
  test('that goes while it waits gets nothing, and the message stays for the next', async () => {
    const { queue, receive } = newQueue();
    const client = new AbortController();
    const waiting = receive({ gone: client.signal, waitSeconds: 20 });
    client.abort();
    queue.send([CONTENT]);
    expect(await waiting).toEqual([]);
    expect(queue.counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });

  test('that went before it was heard takes nothing', async () => {
    const { queue, receive } = newQueue();
    queue.send([CONTENT]);
    expect(await receive({ gone: AbortSignal.abort() })).toEqual([]);
    expect(queue.counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
  });
});

describe('messages that were hidden together', () => {
  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  test('come back together and in their order, though the clock ticks between their timers', async () => {
    jest.useFakeTimers();
    // Each look at the clock is a millisecond later.
    let ticks = 0;
    jest.spyOn(Date, 'now').mockImplementation(() => ticks++);
    const { queue, receive } = newQueue();
    queue.send(['a', 'b', 'c'].map((body) => ({ ...CONTENT, body })));
    await receive({ visibilitySeconds: 1 });
    const again = receive({ waitSeconds: 20 });
    jest.advanceTimersByTime(2000);
    expect((await again).map(({ message }) => message.body)).toEqual(['a', 'b', 'c']);
    queue.stop();
  });
});

describe('a message that is put back', () => {
  test('is visible at once, and was never received, after a restart too', async () => {
    const { queue, receive, records } = newQueue();
    queue.send([CONTENT]);
    queue.putBack(await receive());
    expect(records.at(-1)).toMatchObject({ kind: 'mark', receiveCount: 0, firstReceivedAt: undefined });
    const [again] = await receive();
    expect(again?.message.receiveCount).toBe(1);
    queue.stop();
  });

  test('wakes who waits', async () => {
    const { queue, receive } = newQueue();
    queue.send([CONTENT]);
    const received = await receive();
    const waiting = receive({ waitSeconds: 20 });
    queue.putBack(received);
    expect(await waiting).toHaveLength(1);
    queue.stop();
  });

  test("is left alone once it is another receiver's, or deleted", async () => {
    const { queue, receive } = newQueue();
    queue.send([CONTENT]);
    const first = await receive({ visibilitySeconds: 0 });
    const [second] = await receive();
    queue.putBack(first);
    expect(queue.counts()).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    queue.delete(second?.receiptHandle ?? '');
    queue.putBack(second ? [second] : []);
    expect(queue.counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });
});

describe('an answer', () => {
  let server: Listening;
  afterEach(() => server.close());

  /** A server whose answer waits for `release`, and a record of what became of it. */
  async function open() {
    const heard = Promise.withResolvers<AbortSignal>();
    const release = Promise.withResolvers<void>();
    const undelivered = Promise.withResolvers<void>();
    let lost = false;
    server = await listen(
      0,
      apiListener(async ({ gone }) => {
        heard.resolve(gone);
        await release.promise;
        const onLost = () => {
          lost = true;
          undelivered.resolve();
        };
        return { status: 200, headers: {}, body: 'answer', undelivered: onLost };
      }),
    );
    const client = request({ port: server.port, host: '127.0.0.1', method: 'POST' });
    client.on('error', () => {});
    client.end('body');
    return {
      server,
      client,
      gone: await heard.promise,
      release,
      undelivered: undelivered.promise,
      wasLost: () => lost,
    };
  }

  test('whose client has gone is reported as undelivered', async () => {
    const { client, gone, release, undelivered } = await open();
    const left = once(gone, 'abort');
    client.destroy();
    await left;
    release.resolve();
    await undelivered;
  });

  test('that the client got is not', async () => {
    const { client, release, wasLost } = await open();
    const answered = once(client, 'response');
    release.resolve();
    const [response] = await answered;
    response.resume();
    await once(response, 'end');
    expect(wasLost()).toBe(false);
  });
});
