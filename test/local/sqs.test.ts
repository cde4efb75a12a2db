/** SQS on a laptop, seen through the SDK. The older protocol and durability have files of their own. */

import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListQueuesCommand,
  type Message,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  type ReceiveMessageCommandInput,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
  SetQueueAttributesCommand,
} from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Bench, openBench, SETTINGS } from './support/sqs.ts';

const MIB = 1024 * 1024;

let bench: Bench;
let QueueUrl: string;
let deadLetters: string;

beforeEach(async () => {
  bench = await openBench([
    { name: 'work', settings: { ...SETTINGS, maxReceiveCount: 2 }, deadLetterQueue: 'dead' },
    { name: 'dead', settings: SETTINGS },
  ]);
  QueueUrl = bench.sqs.queueUrl('work');
  deadLetters = bench.sqs.queueUrl('dead');
});
afterEach(() => bench.close());

const send = (input: Partial<SendMessageCommandInput> = {}) =>
  bench.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'body', ...input }));

async function receive(input: Partial<ReceiveMessageCommandInput> = {}): Promise<Message[]> {
  const { Messages } = await bench.client.send(
    new ReceiveMessageCommand({
      QueueUrl,
      MessageSystemAttributeNames: ['All'],
      MessageAttributeNames: ['All'],
      ...input,
    }),
  );
  return Messages ?? [];
}

async function receiveOne(input: Partial<ReceiveMessageCommandInput> = {}): Promise<Message> {
  const [message, ...others] = await receive(input);
  if (!message || others.length > 0) throw new Error(`Not one message but ${others.length + 1}`);
  return message;
}

const remove = ({ ReceiptHandle }: Message) =>
  bench.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));

const hide = ({ ReceiptHandle }: Message, VisibilityTimeout: number) =>
  bench.client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }));

async function attributes(url = QueueUrl): Promise<Record<string, string>> {
  const { Attributes } = await bench.client.send(
    new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
  );
  return Attributes ?? {};
}

async function counts(url = QueueUrl) {
  const all = await attributes(url);
  return {
    visible: Number(all['ApproximateNumberOfMessages']),
    inFlight: Number(all['ApproximateNumberOfMessagesNotVisible']),
    delayed: Number(all['ApproximateNumberOfMessagesDelayed']),
  };
}

const bodies = (messages: readonly Message[]) => messages.map(({ Body }) => Body);

describe('a message', () => {
  test.each([
    ['plain text', 'hello'],
    ['what XML must escape', '<a href="x">&amp;</a>\r\n\ttext'],
    ['Unicode beyond the basic plane', 'Grüße 🎬 \u{10FFFF}'],
    ['exactly 1 MiB', 'x'.repeat(MIB)],
  ])('comes out as it went in: %s', async (_, MessageBody) => {
    const sent = await send({ MessageBody });
    const message = await receiveOne();
    expect(message.Body).toBe(MessageBody);
    expect(message.MessageId).toBe(sent.MessageId);
    expect(message.MD5OfBody).toBe(sent.MD5OfMessageBody);
  });

  test('carries its attributes, and the checksum of those that were asked for', async () => {
    const MessageAttributes = {
      'b.number': { DataType: 'Number.int', StringValue: '7' },
      'a.text': { DataType: 'String', StringValue: 'ä' },
      'a.bytes': { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 255, 1) },
    };
    const sent = await send({ MessageAttributes });
    const message = await receiveOne({ VisibilityTimeout: 0 });
    expect(message.MessageAttributes).toEqual(MessageAttributes);
    expect(message.MD5OfMessageAttributes).toBe(sent.MD5OfMessageAttributes);
    const [some] = await receive({ MessageAttributeNames: ['a.*'] });
    expect(Object.keys(some?.MessageAttributes ?? {}).sort()).toEqual(['a.bytes', 'a.text']);
    expect(some?.MD5OfMessageAttributes).not.toBe(sent.MD5OfMessageAttributes);
  });

  test('has the attribute checksum that AWS documents the rules of', async () => {
    // Computed by hand with Python's hashlib: name, type, 1, value, each with its length in four bytes.
    const sent = await send({ MessageAttributes: { k: { DataType: 'String', StringValue: 'v' } } });
    expect(sent.MD5OfMessageAttributes).toBe('0a77b0642718c3d9dd47090567d11e0d');
  });

  test('tells when it was sent, how often it was received, and its group', async () => {
    const before = Date.now();
    await send({ MessageGroupId: 'tenant-1' });
    const first = await receiveOne({ VisibilityTimeout: 0 });
    const second = await receiveOne();
    expect(first.Attributes?.['ApproximateReceiveCount']).toBe('1');
    expect(second.Attributes?.['ApproximateReceiveCount']).toBe('2');
    expect(second.Attributes?.['MessageGroupId']).toBe('tenant-1');
    const firstReceived = Number(first.Attributes?.['ApproximateFirstReceiveTimestamp']);
    expect(Number(second.Attributes?.['ApproximateFirstReceiveTimestamp'])).toBe(firstReceived);
    expect(Number(first.Attributes?.['SentTimestamp'])).toBeGreaterThanOrEqual(before);
    expect(firstReceived).toBeGreaterThanOrEqual(Number(first.Attributes?.['SentTimestamp']));
  });

  test('has no attributes where none are asked for', async () => {
    await send({ MessageAttributes: { k: { DataType: 'String', StringValue: 'v' } } });
    const message = await receiveOne({ MessageSystemAttributeNames: [], MessageAttributeNames: [] });
    expect(message.Attributes).toBeUndefined();
    expect(message.MessageAttributes).toBeUndefined();
  });

  test('that was received is hidden until its time is over', async () => {
    await send();
    await receiveOne({ VisibilityTimeout: 1 });
    expect(await receive()).toEqual([]);
    expect(await counts()).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    expect(bodies(await receive({ WaitTimeSeconds: 20 }))).toEqual(['body']);
  });

  test('that is delayed comes when it is due', async () => {
    await send({ DelaySeconds: 1 });
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 1 });
    expect(await receive()).toEqual([]);
    expect(bodies(await receive({ WaitTimeSeconds: 20 }))).toEqual(['body']);
  });

  test('that was deleted is gone', async () => {
    await send();
    await remove(await receiveOne({ VisibilityTimeout: 0 }));
    expect(await receive()).toEqual([]);
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  test('is not kept longer than the retention period', async () => {
    const clock = Date.now;
    try {
      await send();
      Date.now = () => clock() + 3601 * 1000;
      expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
      expect(await receive()).toEqual([]);
    } finally {
      Date.now = clock;
    }
  });
});

describe('a receipt handle', () => {
  test('extends the time for which a message is hidden', async () => {
    await send();
    const message = await receiveOne({ VisibilityTimeout: 1 });
    await hide(message, 60);
    expect(await receive({ WaitTimeSeconds: 2 })).toEqual([]);
  });

  test('of an earlier receive succeeds and changes nothing', async () => {
    await send();
    const stale = await receiveOne({ VisibilityTimeout: 0 });
    await receiveOne();
    await hide(stale, 0);
    await remove(stale);
    expect(await counts()).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
  });

  test('whose time is over still deletes, but hides nothing', async () => {
    await send();
    const late = await receiveOne({ VisibilityTimeout: 0 });
    await hide(late, 60);
    expect(await counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
    await remove(late);
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  test('of a deleted message deletes again, and hides nothing', async () => {
    await send();
    const message = await receiveOne();
    await remove(message);
    await remove(message);
    await expect(hide(message, 1)).rejects.toThrow(/Message does not exist or is not available/);
  });

  test.each([
    ['nonsense', () => 'nonsense'],
    [
      "another queue's",
      ({ ReceiptHandle }: Message) =>
        Buffer.from(ReceiptHandle ?? '', 'base64')
          .toString()
          .replace('work', 'dead'),
    ],
  ])('is refused when it is %s', async (_, forge) => {
    await send();
    const ReceiptHandle = Buffer.from(forge(await receiveOne())).toString('base64');
    const deletion = bench.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    await expect(deletion).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
  });
});

describe('a long poll', () => {
  test('wakes when a message is sent', async () => {
    const waiting = receive({ WaitTimeSeconds: 20 });
    await send();
    expect(bodies(await waiting)).toEqual(['body']);
  });

  test('wakes when a message is made visible', async () => {
    await send();
    const message = await receiveOne();
    const waiting = receive({ WaitTimeSeconds: 20 });
    await hide(message, 0);
    expect(bodies(await waiting)).toEqual(['body']);
  });

  test('takes a whole batch that is sent at once', async () => {
    const waiting = receive({ WaitTimeSeconds: 20, MaxNumberOfMessages: 10 });
    // The poll must be there before the batch, or it would find it without waiting.
    await counts();
    await sendBatch(['a', 'b', 'c']);
    expect(bodies(await waiting)).toEqual(['a', 'b', 'c']);
  });

  test('ends with nothing when its time is over', async () => {
    expect(await receive({ WaitTimeSeconds: 1 })).toEqual([]);
  });

  test("waits for the queue's own time where the request names none", async () => {
    await configure({ ReceiveMessageWaitTimeSeconds: '20' });
    const waiting = receive();
    await counts();
    await send();
    expect(bodies(await waiting)).toEqual(['body']);
  });

  test('that the client drops swallows no message', async () => {
    const client = new AbortController();
    const dropped = bench.client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }), {
      abortSignal: client.signal,
    });
    await counts();
    client.abort();
    await expect(dropped).rejects.toMatchObject({ name: 'AbortError' });
    // One connection later the server has seen the first one end.
    await counts();
    await send();
    const message = await receiveOne({ WaitTimeSeconds: 20 });
    expect(message.Attributes?.['ApproximateReceiveCount']).toBe('1');
  });
});

describe('groups', () => {
  test('are served in turns, so that a backlog of one does not delay the others', async () => {
    for (const [MessageGroupId, MessageBody] of [
      ['noisy', 'n1'],
      ['noisy', 'n2'],
      ['noisy', 'n3'],
      ['noisy', 'n4'],
      ['quiet', 'q1'],
      ['quiet', 'q2'],
      ['other', 'o1'],
    ] as const)
      await send({ MessageGroupId, MessageBody });
    const order = [
      ...(await receive({ MaxNumberOfMessages: 4 })),
      ...(await receive({ MaxNumberOfMessages: 10 })),
    ];
    expect(bodies(order)).toEqual(['n1', 'q1', 'o1', 'n2', 'q2', 'n3', 'n4']);
  });

  test('keep their turn over several receives', async () => {
    for (const body of ['a1', 'a2', 'a3', 'b1']) await send({ MessageGroupId: body[0], MessageBody: body });
    expect(bodies([...(await receive()), ...(await receive()), ...(await receive())])).toEqual([
      'a1',
      'b1',
      'a2',
    ]);
  });

  test('messages without one are each a tenant of their own, in the order of sending', async () => {
    for (const [MessageGroupId, MessageBody] of [
      ['noisy', 'n1'],
      ['noisy', 'n2'],
      [undefined, 'x'],
      [undefined, 'y'],
    ] as const)
      await send({ MessageGroupId, MessageBody });
    expect(bodies(await receive({ MaxNumberOfMessages: 10 }))).toEqual(['n1', 'x', 'y', 'n2']);
  });
});

describe('dead letters', () => {
  test('are messages that were received too often; they keep id, age, attributes and count', async () => {
    const sent = await send({ MessageAttributes: { k: { DataType: 'String', StringValue: 'v' } } });
    const first = await receiveOne({ VisibilityTimeout: 0 });
    await receiveOne({ VisibilityTimeout: 0 });
    expect(await counts()).toEqual({ visible: 1, inFlight: 0, delayed: 0 });
    // The third receive is the one too many.
    expect(await receive()).toEqual([]);
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    const letter = await receiveOne({ QueueUrl: deadLetters });
    expect(letter.MessageId).toBe(sent.MessageId);
    expect(letter.MessageAttributes?.['k']?.StringValue).toBe('v');
    expect(letter.Attributes).toMatchObject({
      SentTimestamp: first.Attributes?.['SentTimestamp'],
      ApproximateReceiveCount: '3',
      DeadLetterQueueSourceArn: (await attributes())['QueueArn'],
    });
  });

  test('wake a long poll on their queue, while the poll on the source goes on', async () => {
    await send({ MessageBody: 'poison' });
    await receiveOne({ VisibilityTimeout: 0 });
    const message = await receiveOne();
    const source = receive({ WaitTimeSeconds: 20 });
    const letters = receive({ QueueUrl: deadLetters, WaitTimeSeconds: 20 });
    await counts();
    await hide(message, 0);
    expect(bodies(await letters)).toEqual(['poison']);
    await send({ MessageBody: 'good' });
    expect(bodies(await source)).toEqual(['good']);
  });
});

async function sendBatch(messages: readonly string[]) {
  const Entries = messages.map((MessageBody, index) => ({ Id: `id-${index}`, MessageBody }));
  return bench.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
}

const configure = (Attributes: Record<string, string>) =>
  bench.client.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));

describe('a batch', () => {
  test('sends, hides and deletes many messages', async () => {
    const sent = await sendBatch(['a', 'b', 'c']);
    expect(sent.Successful?.map(({ Id }) => Id)).toEqual(['id-0', 'id-1', 'id-2']);
    const messages = await receive({ MaxNumberOfMessages: 10 });
    const held = messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }));
    await bench.client.send(
      new ChangeMessageVisibilityBatchCommand({
        QueueUrl,
        Entries: held.map((entry) => ({ ...entry, VisibilityTimeout: 0 })),
      }),
    );
    expect(await counts()).toEqual({ visible: 3, inFlight: 0, delayed: 0 });
    await bench.client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: held }));
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  test('does what it can, and names what it cannot', async () => {
    const { Successful, Failed } = await sendBatch(['good', 'bad \u0000', 'good too']);
    expect(Successful?.map(({ Id }) => Id)).toEqual(['id-0', 'id-2']);
    expect(Failed).toEqual([
      { Id: 'id-1', SenderFault: true, Code: 'InvalidMessageContents', Message: expect.any(String) },
    ]);
    expect(bodies(await receive({ MaxNumberOfMessages: 10 }))).toEqual(['good', 'good too']);
  });

  test.each([
    ['empty', [], 'EmptyBatchRequest'],
    [
      'of more than ten',
      Array.from({ length: 11 }, (_, i) => ({ Id: `${i}`, MessageBody: 'x' })),
      'TooManyEntriesInBatchRequest',
    ],
    [
      'with an id twice',
      [
        { Id: 'a', MessageBody: 'x' },
        { Id: 'a', MessageBody: 'y' },
      ],
      'BatchEntryIdsNotDistinct',
    ],
    ['with an id that is none', [{ Id: 'a b', MessageBody: 'x' }], 'InvalidBatchEntryId'],
    [
      'of more than 1 MiB in all',
      ['a', 'b'].map((Id) => ({ Id, MessageBody: 'x'.repeat(MIB / 2 + 1) })),
      'BatchRequestTooLong',
    ],
  ])('is refused when it is %s', async (_, Entries, name) => {
    await expect(bench.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject(
      { name },
    );
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });
});

describe('SQS refuses', () => {
  test.each<[string, Partial<SendMessageCommandInput>, string]>([
    ['an empty body', { MessageBody: '' }, 'MissingParameter'],
    ['a character outside of XML', { MessageBody: 'a\u0001' }, 'InvalidMessageContents'],
    ['half a surrogate pair', { MessageBody: 'a\ud800' }, 'InvalidMessageContents'],
    ['more than 1 MiB', { MessageBody: 'x'.repeat(MIB + 1) }, 'InvalidParameterValue'],
    [
      'more than 1 MiB with attributes',
      {
        MessageBody: 'x'.repeat(MIB - 5),
        MessageAttributes: { k: { DataType: 'String', StringValue: 'v' } },
      },
      'InvalidParameterValue',
    ],
    ['a delay over 15 minutes', { DelaySeconds: 901 }, 'InvalidParameterValue'],
    ['a group of spaces', { MessageGroupId: 'a b' }, 'InvalidParameterValue'],
    [
      'an attribute of an unknown type',
      { MessageAttributes: { k: { DataType: 'Date', StringValue: 'v' } } },
      'InvalidParameterValue',
    ],
    [
      'an attribute without a value',
      { MessageAttributes: { k: { DataType: 'String', StringValue: '' } } },
      'InvalidParameterValue',
    ],
    [
      'an attribute named like one of AWS',
      { MessageAttributes: { 'AWS.k': { DataType: 'String', StringValue: 'v' } } },
      'InvalidParameterValue',
    ],
    [
      'eleven attributes',
      {
        MessageAttributes: Object.fromEntries(
          Array.from({ length: 11 }, (_, i) => [`k${i}`, { DataType: 'String', StringValue: 'v' }]),
        ),
      },
      'InvalidParameterValue',
    ],
    ['a queue that is not there', { QueueUrl: 'http://127.0.0.1/000000000000/none' }, 'QueueDoesNotExist'],
  ])('to send: %s', async (_, input, code) => {
    await expect(send(input)).rejects.toMatchObject({ name: expect.stringContaining(code) });
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
  });

  test.each<[string, Partial<ReceiveMessageCommandInput>]>([
    ['eleven messages', { MaxNumberOfMessages: 11 }],
    ['no messages', { MaxNumberOfMessages: 0 }],
    ['a poll over 20 seconds', { WaitTimeSeconds: 21 }],
    ['a visibility timeout over 12 hours', { VisibilityTimeout: 43_201 }],
  ])('to receive: %s', async (_, input) => {
    await expect(receive(input)).rejects.toThrow(/is invalid/);
  });

  test('an error has its old code too', async () => {
    const call = bench.client.send(new GetQueueUrlCommand({ QueueName: 'none' }));
    await expect(call).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
      Code: 'AWS.SimpleQueueService.NonExistentQueue',
    });
  });
});

describe('a queue', () => {
  const create = (QueueName: string, Attributes: Record<string, string> = {}) =>
    bench.client.send(new CreateQueueCommand({ QueueName, Attributes }));

  test('is created once; again with the same attributes is the same queue, with others an error', async () => {
    const { QueueUrl: url } = await create('new', { VisibilityTimeout: '7' });
    expect(await create('new', { VisibilityTimeout: '7' })).toMatchObject({ QueueUrl: url });
    expect(await create('new')).toMatchObject({ QueueUrl: url });
    await expect(create('new', { VisibilityTimeout: '8' })).rejects.toMatchObject({
      name: 'QueueNameExists',
    });
    expect(await bench.client.send(new GetQueueUrlCommand({ QueueName: 'new' }))).toMatchObject({
      QueueUrl: url,
    });
  });

  test('has the attributes that the platform sets', async () => {
    expect(await attributes()).toMatchObject({
      VisibilityTimeout: '60',
      MessageRetentionPeriod: '3600',
      ReceiveMessageWaitTimeSeconds: '0',
      DelaySeconds: '0',
      MaximumMessageSize: '1048576',
      QueueArn: 'arn:aws:sqs:eu-test-1:000000000000:work',
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: 'arn:aws:sqs:eu-test-1:000000000000:dead',
        maxReceiveCount: 2,
      }),
      CreatedTimestamp: expect.stringMatching(/^\d{10}$/),
    });
  });

  test('takes new attributes, which hold from then on', async () => {
    await configure({ VisibilityTimeout: '0', RedrivePolicy: '' });
    await send();
    for (const count of ['1', '2', '3'])
      expect((await receiveOne()).Attributes?.['ApproximateReceiveCount']).toBe(count);
    expect(await attributes()).not.toHaveProperty('RedrivePolicy');
  });

  test('tells only the attributes that it is asked for', async () => {
    const read = (AttributeNames: string[]) =>
      // The SDK's type lists the names that it knows; the service is to judge others.
      bench.client.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: AttributeNames as ['All'] }),
      );
    expect((await read(['QueueArn'])).Attributes).toEqual({ QueueArn: expect.any(String) });
    expect((await read([])).Attributes).toBeUndefined();
    await expect(read(['Colour'])).rejects.toMatchObject({ name: 'InvalidAttributeName' });
  });

  test.each([
    ['an unknown attribute', { Colour: 'blue' }, 'InvalidAttributeName'],
    ['a number out of range', { VisibilityTimeout: '43201' }, 'InvalidAttributeValue'],
    ['no number', { DelaySeconds: '' }, 'InvalidAttributeValue'],
    [
      'dead letters to nowhere',
      {
        RedrivePolicy:
          '{"deadLetterTargetArn":"arn:aws:sqs:eu-test-1:000000000000:none","maxReceiveCount":"3"}',
      },
      'InvalidParameterValue',
    ],
    [
      'dead letters to itself',
      {
        RedrivePolicy:
          '{"deadLetterTargetArn":"arn:aws:sqs:eu-test-1:000000000000:work","maxReceiveCount":"3"}',
      },
      'InvalidParameterValue',
    ],
    ['a policy that is no JSON', { RedrivePolicy: '{' }, 'InvalidParameterValue'],
  ])('refuses %s', async (_, Attributes: Record<string, string>, code) => {
    await expect(configure(Attributes)).rejects.toMatchObject({ name: expect.stringContaining(code) });
  });

  test.each(['', 'a b', 'x'.repeat(81), 'orders.fifo'])("cannot be named '%s'", async (name) => {
    await expect(create(name)).rejects.toThrow(/QueueName/);
  });

  test('is listed, by prefix and in pages', async () => {
    await create('list-a');
    await create('list-b');
    const list = (input: { MaxResults?: number; NextToken?: string | undefined }) =>
      bench.client.send(new ListQueuesCommand({ QueueNamePrefix: 'list-', ...input }));
    expect((await list({})).QueueUrls).toEqual(['list-a', 'list-b'].map((name) => bench.sqs.queueUrl(name)));
    const { QueueUrls, NextToken } = await list({ MaxResults: 1 });
    expect(QueueUrls).toEqual([bench.sqs.queueUrl('list-a')]);
    expect(await list({ MaxResults: 1, NextToken })).toMatchObject({
      QueueUrls: [bench.sqs.queueUrl('list-b')],
    });
  });

  test('is purged of every message, once a minute', async () => {
    await sendBatch(['visible', 'in flight', 'visible']);
    await receiveOne();
    await send({ DelaySeconds: 60 });
    await bench.client.send(new PurgeQueueCommand({ QueueUrl }));
    expect(await counts()).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    expect(await receive()).toEqual([]);
    await expect(bench.client.send(new PurgeQueueCommand({ QueueUrl }))).rejects.toMatchObject({
      name: 'PurgeQueueInProgress',
    });
  });
});
