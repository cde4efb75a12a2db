/** The local broker: AWS IoT's rules, with the platform's own authorizer before it. */
import { PublishCommand } from '@aws-sdk/client-iot-data-plane';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import mqtt, { type MqttClient } from 'mqtt';
import { createLiveToken } from '../../api/live-tokens.ts';
import { createUploadToken } from '../../api/upload-tokens.ts';
import { EVERY_VIDEO, liveTopic } from '../../jobs/live-message.ts';
import { asVideoId } from '../../jobs/names.ts';
import { LIVE_TOPICS, startLive } from './support/live.ts';

const VIDEO = asVideoId('0123456789abcdefghjk');
const OTHER = asVideoId('zzzzzzzzzzzzzzzzzzzz');
const topicOf = (video: string): string => liveTopic(LIVE_TOPICS, video);

let live: Awaited<ReturnType<typeof startLive>>;
const clients: MqttClient[] = [];

beforeAll(async () => {
  live = await startLive();
}, 30_000);
afterAll(async () => live.close());
afterEach(async () => {
  for (const client of clients.splice(0)) await client.endAsync(true);
});

interface Credentials {
  readonly clientId: string;
  readonly token: string;
}

/** Connects; rejects where the broker refuses. */
async function connect({ clientId, token }: Credentials): Promise<MqttClient> {
  const client = await mqtt.connectAsync(live.mqttUrl, {
    clientId,
    username: 'spotreel',
    password: token,
    protocolVersion: 4,
    reconnectPeriod: 0,
  });
  clients.push(client);
  return client;
}

const publish = (video: string, payload: string, more = {}): Promise<unknown> =>
  live.iot.send(
    new PublishCommand({ topic: topicOf(video), payload: Buffer.from(payload), qos: 1, ...more }),
  );

/** The next messages, `topic payload` each. */
function heard(client: MqttClient, count: number): Promise<string[]> {
  const { promise, resolve } = Promise.withResolvers<string[]>();
  const messages: string[] = [];
  client.on('message', (topic, payload) => {
    if (messages.push(`${topic} ${payload}`) === count) resolve(messages);
  });
  return promise;
}

/** The end of a connection. */
function closed(client: MqttClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  client.on('close', resolve);
  return promise;
}

/** A token that somebody made up, or that is ours and no good. */
async function signed(
  secret: Uint8Array,
  expires: number,
  claims: Record<string, string> = {},
): Promise<Credentials> {
  const clientId = 'spotreel-00000000-0000-4000-8000-000000000000';
  const token = await new SignJWT({ video: VIDEO, clientId, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer('spotreel')
    .setAudience('spotreel:live')
    .setExpirationTime(expires)
    .sign(secret);
  return { clientId, token };
}

const now = (): number => Math.floor(Date.now() / 1000);
const unsigned = (credentials: Credentials): Credentials => ({
  ...credentials,
  token: `${Buffer.from('{"alg":"none"}').toString('base64url')}.${credentials.token.split('.')[1]}.`,
});

describe('who may not connect', () => {
  const cases: ReadonlyArray<readonly [who: string, credentials: () => Promise<Credentials>]> = [
    ['without a token', async () => ({ clientId: 'spotreel-x', token: '' })],
    ['with another one’s signature', () => signed(Buffer.alloc(32, 1), now() + 60)],
    ['without any signature', async () => unsigned(await signed(live.secret, now() + 60))],
    ['with a token that has expired', () => signed(live.secret, now() - 1)],
    [
      'under another client’s id',
      async () => ({ ...(await createLiveToken(live.secret, VIDEO)), clientId: 'spotreel-x' }),
    ],
    ['with a token for what is no video', () => signed(live.secret, now() + 60, { video: '#' })],
    [
      'for a client that is not ours to name',
      () => signed(live.secret, now() + 60, { clientId: 'somebody' }),
    ],
    [
      'with an upload token',
      async () => {
        const by = { id: 'token:x', scopes: new Set<never>() };
        const { token } = await createUploadToken(live.secret, by, { maxBytes: 1, expiresIn: 60 });
        return { clientId: 'spotreel-x', token };
      },
    ],
  ];
  test.each(cases)('%s', async (_, credentials) => {
    await expect(credentials().then(connect)).rejects.toThrow(/Not authorized/);
  });
  test('the same token works under its own id', async () => {
    await connect(await signed(live.secret, now() + 60));
  });
});

describe('what a token for one video does not open', () => {
  test.each([
    topicOf(OTHER),
    topicOf('+'),
    topicOf('#'),
    '#',
    '+/+/+/+',
    `${LIVE_TOPICS}/#`,
    `spotreel/other/videos/${VIDEO}`,
    `${topicOf(VIDEO)}/+`,
    `$share/group/${topicOf(VIDEO)}`,
  ])('subscribing to %s', async (topic) => {
    const client = await connect(await createLiveToken(live.secret, VIDEO));
    const end = closed(client);
    await expect(client.subscribeAsync(topic)).rejects.toThrow();
    await end;
  });

  test.each([topicOf(VIDEO), topicOf(OTHER), '$SYS/x'])('publishing to %s', async (topic) => {
    const client = await connect(await createLiveToken(live.secret, VIDEO));
    const listener = await connect(await createLiveToken(live.secret, EVERY_VIDEO));
    const first = heard(listener, 1);
    await listener.subscribeAsync(topicOf(EVERY_VIDEO));
    const end = closed(client);
    client.publish(topic, 'forged', { retain: true });
    await end;
    await publish(OTHER, 'honest');
    expect(await first).toEqual([`${topicOf(OTHER)} honest`]);
  });

  test('a last will', async () => {
    const listener = await connect(await createLiveToken(live.secret, EVERY_VIDEO));
    const first = heard(listener, 1);
    await listener.subscribeAsync(topicOf(EVERY_VIDEO));
    const { clientId, token } = await createLiveToken(live.secret, VIDEO);
    const will = { topic: topicOf(VIDEO), payload: Buffer.from('forged'), qos: 0 as const, retain: true };
    const options = {
      clientId,
      username: 'x',
      password: token,
      protocolVersion: 4,
      reconnectPeriod: 0,
      will,
    } as const;
    const client = mqtt.connect(live.mqttUrl, options);
    client.on('error', () => {});
    client.on('connect', () => client.stream.destroy()); // gone without a word: its will is due
    await closed(client);
    await publish(OTHER, 'honest');
    expect(await first).toEqual([`${topicOf(OTHER)} honest`]);
  });
});

test('a token for every video opens their list and no other filter', async () => {
  const client = await connect(await createLiveToken(live.secret, EVERY_VIDEO));
  const first = heard(client, 1);
  await client.subscribeAsync(topicOf(EVERY_VIDEO));
  await publish(VIDEO, 'one');
  expect(await first).toEqual([`${topicOf(VIDEO)} one`]);
  await expect(client.subscribeAsync(topicOf(VIDEO))).rejects.toThrow();
});

test('who comes late hears the last message that was retained, at once', async () => {
  await publish(VIDEO, 'first', { retain: true });
  await publish(VIDEO, 'second', { retain: true });
  const client = await connect(await createLiveToken(live.secret, VIDEO));
  const first = heard(client, 1);
  await client.subscribeAsync(topicOf(VIDEO), { qos: 1 });
  expect(await first).toEqual([`${topicOf(VIDEO)} second`]);
});

test('a retained message that expires is taken away', async () => {
  const early = await connect(await createLiveToken(live.secret, VIDEO));
  await publish(VIDEO, 'short', { retain: true, messageExpiry: 1 });
  const messages = heard(early, 2);
  await early.subscribeAsync(topicOf(VIDEO));
  expect(await messages).toEqual([`${topicOf(VIDEO)} short`, `${topicOf(VIDEO)} `]);
});

test('the broker comes back without what it retained, and takes new messages', async () => {
  await publish(VIDEO, 'before', { retain: true });
  await live.restart();
  await publish(VIDEO, 'after', { retain: true });
  const client = await connect(await createLiveToken(live.secret, VIDEO));
  const first = heard(client, 1);
  await client.subscribeAsync(topicOf(VIDEO));
  expect(await first).toEqual([`${topicOf(VIDEO)} after`]);
});
