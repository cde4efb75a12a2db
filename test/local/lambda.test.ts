/** Functions on a laptop: the event source between SQS and a function, and schedules. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { SQSEvent } from 'aws-lambda';
import { startEventBridge } from '../../local/lambda/event-bridge.ts';
import {
  type EventSource,
  type EventSourceOptions,
  startEventSource,
} from '../../local/lambda/event-source.ts';
import { allGone, eventually } from './support/processes.ts';
import { type Bench, openBench, REGION, SETTINGS } from './support/sqs.ts';

/** A line that `lambda-handler.ts` prints for each call. */
interface Call {
  readonly event: SQSEvent;
  readonly awsRequestId: string;
  readonly functionName: string;
  readonly remaining: number;
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
}

const support = (name: string) => fileURLToPath(new URL(`support/${name}`, import.meta.url));
const HANDLER = support('lambda-handler.ts');

let bench: Bench;
let QueueUrl: string;
let logFile: string;
let source: EventSource | undefined;

beforeEach(async () => {
  bench = await openBench([
    { name: 'work', settings: { ...SETTINGS, visibilityTimeoutSeconds: 1 }, deadLetterQueue: 'dead' },
    { name: 'dead', settings: SETTINGS },
  ]);
  QueueUrl = bench.sqs.queueUrl('work');
  logFile = join(bench.dataDir, 'logs', 'function.log');
});
afterEach(async () => {
  await source?.close();
  source = undefined;
  await bench.close();
});

async function start(options: Partial<EventSourceOptions> = {}): Promise<void> {
  source = await startEventSource({
    entry: HANDLER,
    env: { AWS_REGION: REGION, GREETING: 'hello' },
    sqs: bench.client,
    queueUrl: QueueUrl,
    region: REGION,
    batch: { size: 10, windowSeconds: 0, maximumConcurrency: 2 },
    timeoutSeconds: 30,
    logFile,
    ...options,
  });
}

const configureVisibility = (VisibilityTimeout: string) =>
  bench.client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout } }));

/** Sends messages at once, so that a poll finds all of them. */
const send = (...bodies: string[]) =>
  bench.client.send(
    new SendMessageBatchCommand({
      QueueUrl,
      Entries: bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody })),
    }),
  );

async function calls(file = logFile): Promise<Call[]> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
  return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
}

/** The calls, once there are so many. */
const callsOf = (count: number, file = logFile) =>
  eventually(async () => {
    const all = await calls(file);
    return all.length >= count ? all : undefined;
  });

const logged = (text: string) =>
  eventually(async () => ((await readFile(logFile, 'utf8')).includes(text) ? true : undefined));

const bodiesOf = ({ event }: Call) => event.Records.map(({ body }) => body);

async function counts(url = QueueUrl) {
  const { Attributes } = await bench.client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
  );
  return {
    visible: Number(Attributes?.['ApproximateNumberOfMessages']),
    inFlight: Number(Attributes?.['ApproximateNumberOfMessagesNotVisible']),
  };
}

const settled = (visible: number, inFlight: number) =>
  eventually(async () => {
    const now = await counts();
    return now.visible === visible && now.inFlight === inFlight ? true : undefined;
  });

describe('a function', () => {
  test('is called with a batch in the form that Lambda has, and what succeeds is deleted', async () => {
    await start();
    const { MessageId } = await bench.client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: 'hello',
        MessageGroupId: 'g',
        MessageAttributes: {
          text: { DataType: 'String', StringValue: 'v' },
          bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255) },
        },
      }),
    );
    const [call] = await callsOf(1);
    expect(call?.event).toEqual({
      Records: [
        {
          messageId: MessageId,
          receiptHandle: expect.any(String),
          body: 'hello',
          attributes: {
            ApproximateReceiveCount: '1',
            SentTimestamp: expect.stringMatching(/^\d{13}$/),
            ApproximateFirstReceiveTimestamp: expect.stringMatching(/^\d{13}$/),
            SenderId: expect.any(String),
            MessageGroupId: 'g',
          },
          messageAttributes: {
            text: { stringValue: 'v', stringListValues: [], binaryListValues: [], dataType: 'String' },
            bytes: { binaryValue: 'AP8=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
          },
          md5OfBody: '5d41402abc4b2a76b9719d911017c592',
          md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
          eventSource: 'aws:sqs',
          eventSourceARN: 'arn:aws:sqs:eu-test-1:000000000000:work',
          awsRegion: REGION,
        },
      ],
    });
    await settled(0, 0);
  });

  test('has a context, and an environment that is not that of this laptop', async () => {
    process.env['AWS_PROFILE'] = 'owner';
    try {
      await start();
      await send('x');
      const [call] = await callsOf(1);
      expect(call).toMatchObject({
        awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        functionName: 'lambda-handler',
        env: { GREETING: 'hello', AWS_REGION: REGION, AWS_LAMBDA_FUNCTION_NAME: 'lambda-handler', TZ: 'UTC' },
      });
      expect(call?.env).not.toHaveProperty('AWS_PROFILE');
      expect(call?.env['NODE_COMPILE_CACHE']).toMatch(/\/spotreel\/compiled$/);
      expect(call?.env['AWS_SHARED_CREDENTIALS_FILE']).toBe('/dev/null');
      expect(call?.remaining).toBeGreaterThan(0);
      expect(call?.remaining).toBeLessThanOrEqual(30_000);
    } finally {
      delete process.env['AWS_PROFILE'];
    }
  });

  test('keeps its process for the next call', async () => {
    await start();
    await send('x');
    await settled(0, 0);
    await send('y');
    const [first, second] = await callsOf(2);
    expect(second?.pid).toBe(first?.pid);
  });

  test('that reports failures of some messages gets only those again, and they become dead letters', async () => {
    await start();
    await send('good', 'fail', 'good too');
    const deadLetters = bench.sqs.queueUrl('dead');
    await eventually(async () => ((await counts(deadLetters)).visible === 1 ? true : undefined));
    expect((await calls()).map(bodiesOf)).toEqual([['good', 'fail', 'good too'], ['fail'], ['fail']]);
    expect(await counts()).toEqual({ visible: 0, inFlight: 0 });
  });

  test.each([
    ['throws', 'throw', 'thrown on purpose'],
    ['crashes', 'crash', 'ended with status 3'],
    ['names a message that is not of its batch', 'name another', "names 'another' as failed"],
  ])('that %s gets the whole batch again', async (_, body, message) => {
    await start();
    await send(body, 'bystander');
    const all = await callsOf(2);
    expect(all.slice(0, 2).map(bodiesOf)).toEqual([
      [body, 'bystander'],
      [body, 'bystander'],
    ]);
    await logged(message);
  });

  test('that takes too long is killed, and gets its batch again', async () => {
    await start({ timeoutSeconds: 1 });
    await send('hang');
    const [first, second] = await callsOf(2);
    expect(second?.pid).not.toBe(first?.pid);
    await logged('timed out after 1 seconds');
  });

  test('that cannot be loaded fails its batch, which is tried again', async () => {
    await start({ entry: support('lambda-broken.ts') });
    await send('x');
    await logged('broken on purpose');
    await logged('ended with status 1');
    await eventually(async () =>
      (await counts(bench.sqs.queueUrl('dead'))).visible === 1 ? true : undefined,
    );
  });
});

describe('a batch', () => {
  test('is filled within its window', async () => {
    await start({ batch: { size: 3, windowSeconds: 20, maximumConcurrency: 1 } });
    for (const body of ['a', 'b', 'c', 'd', 'e', 'f']) await send(body);
    const all = await callsOf(2);
    expect(all.map(bodiesOf)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e', 'f'],
    ]);
  });

  test('that is not full goes when its window is over', async () => {
    await configureVisibility('600');
    await start({ batch: { size: 10, windowSeconds: 1, maximumConcurrency: 1 } });
    await send('a');
    const [call] = await callsOf(1);
    expect(call && bodiesOf(call)).toEqual(['a']);
  });

  test('waits where as many calls run as may', async () => {
    await start({ batch: { size: 1, windowSeconds: 0, maximumConcurrency: 2 } });
    await send('slow', 'slow', 'slow', 'slow');
    const all = await callsOf(4);
    expect(new Set(all.map(({ pid }) => pid)).size).toBe(2);
  });
});

describe('closing', () => {
  test('lets a call end that can', async () => {
    await start();
    await send('slow');
    await callsOf(1);
    await source?.close();
    source = undefined;
    expect(await counts()).toEqual({ visible: 0, inFlight: 0 });
  });

  test('ends a call that does not, its process too, and gives its message back at once', async () => {
    await configureVisibility('600');
    await start();
    await send('hang');
    const [call] = await callsOf(1);
    await source?.close();
    source = undefined;
    await allGone([call?.pid ?? 0]);
    const { Messages } = await bench.client.send(new ReceiveMessageCommand({ QueueUrl }));
    expect(Messages).toMatchObject([{ Body: 'hang' }]);
  });

  test('gives a batch back that was not full yet', async () => {
    await configureVisibility('600');
    await start({ batch: { size: 10, windowSeconds: 20, maximumConcurrency: 1 } });
    await send('early');
    await settled(0, 1);
    await source?.close();
    source = undefined;
    expect(await counts()).toEqual({ visible: 1, inFlight: 0 });
    expect(await calls()).toEqual([]);
  });
});

describe('EventBridge', () => {
  test("calls a function with EC2's events that its rules match, and with no other", async () => {
    const bridge = await startEventBridge({
      entry: HANDLER,
      env: {},
      region: REGION,
      timeoutSeconds: 30,
      everySeconds: 3600,
      machineEvents: [
        { name: 'Any', detailType: 'any state' },
        { name: 'Some', detailType: 'some states', states: ['stopped', 'terminated'] },
      ],
      logFile,
    });
    const put = (detailType: string, state: string) =>
      bridge.put({ detailType, detail: { 'instance-id': 'i-1', state } });
    await Promise.all([
      put('some states', 'running'),
      put('another', 'terminated'),
      put('any state', 'running'),
      put('some states', 'terminated'),
    ]);
    const seen = (await callsOf(3)).map(({ event }) => event);
    await bridge.close();
    expect(seen).toHaveLength(3);
    expect(seen).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ 'detail-type': 'Scheduled Event' }),
        expect.objectContaining({
          'detail-type': 'any state',
          source: 'aws.ec2',
          detail: { 'instance-id': 'i-1', state: 'running' },
        }),
        expect.objectContaining({
          'detail-type': 'some states',
          detail: { 'instance-id': 'i-1', state: 'terminated' },
        }),
      ]),
    );
  });

  test('that is closed takes nothing more and leaves nothing running', async () => {
    const bridge = await startEventBridge({
      entry: HANDLER,
      env: { HANG: 'yes' },
      region: REGION,
      timeoutSeconds: 30,
      everySeconds: 3600,
      machineEvents: [{ name: 'Any', detailType: 'any' }],
      logFile,
    });
    const event = { detailType: 'any', detail: { 'instance-id': 'i-1' } };
    const call = bridge.put(event);
    const pids = (await callsOf(2)).map(({ pid }) => pid);
    await bridge.close();
    await call;
    await bridge.put(event);
    await allGone(pids);
    expect(await calls()).toHaveLength(2);
  });
});

describe('a schedule', () => {
  test('calls its function at once and then again, with the event that EventBridge sends', async () => {
    const schedule = await startEventBridge({
      entry: HANDLER,
      env: {},
      region: REGION,
      timeoutSeconds: 30,
      everySeconds: 0.05,
      machineEvents: [],
      logFile,
    });
    const [call] = await callsOf(2);
    await schedule.close();
    expect(call?.event).toMatchObject({
      'detail-type': 'Scheduled Event',
      source: 'aws.events',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      region: REGION,
    });
    await allGone([call?.pid ?? 0]);
  });

  test('goes on after a failure', async () => {
    const entry = support('lambda-broken.ts');
    const schedule = await startEventBridge({
      entry,
      env: {},
      region: REGION,
      timeoutSeconds: 30,
      everySeconds: 0.05,
      machineEvents: [],
      logFile,
    });
    await eventually(async () =>
      (await readFile(logFile, 'utf8')).split('ended with status 1').length > 2 ? true : undefined,
    );
    await schedule.close();
  });

  test('ends its process when it is killed itself', async () => {
    const host = spawn(process.execPath, [support('lambda-host.ts'), join(bench.dataDir, 'host.log')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const [call] = await callsOf(1, join(bench.dataDir, 'host.log'));
    host.kill('SIGKILL');
    await allGone([call?.pid ?? 0]);
  });
});
