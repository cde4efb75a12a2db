/** SQS's older protocol by plain HTTP, its errors, what is refused below it, and the AWS CLI. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { XMLParser } from 'fast-xml-parser';
import { awsCli, awsCliVersion } from './support/aws-cli.ts';
import { type Bench, openBench, SETTINGS } from './support/sqs.ts';

let bench: Bench;
let QueueUrl: string;

beforeAll(async () => {
  bench = await openBench([{ name: 'work', settings: SETTINGS }]);
  QueueUrl = bench.sqs.queueUrl('work');
});
afterAll(() => bench.close());

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  ignoreDeclaration: true,
  htmlEntities: true,
});

async function query(fields: Record<string, string>, url = bench.sqs.url) {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(fields) });
  return { status: response.status, xml: parser.parse(await response.text()) };
}

describe('the Query protocol', () => {
  test('creates, lists and describes queues', async () => {
    const created = await query({
      Action: 'CreateQueue',
      QueueName: 'by-query',
      'Attribute.1.Name': 'VisibilityTimeout',
      'Attribute.1.Value': '7',
    });
    const url = bench.sqs.queueUrl('by-query');
    expect(created.xml.CreateQueueResponse.CreateQueueResult).toEqual({ QueueUrl: url });
    expect(created.xml.CreateQueueResponse.ResponseMetadata.RequestId).toMatch(/^[0-9a-f-]{36}$/);
    const listed = await query({ Action: 'ListQueues' });
    expect(listed.xml.ListQueuesResponse.ListQueuesResult.QueueUrl).toEqual([url, QueueUrl]);
    const attributes = await query({
      Action: 'GetQueueAttributes',
      QueueUrl: url,
      'AttributeName.1': 'VisibilityTimeout',
      'AttributeName.2': 'DelaySeconds',
    });
    expect(attributes.xml.GetQueueAttributesResponse.GetQueueAttributesResult.Attribute).toEqual([
      { Name: 'DelaySeconds', Value: '0' },
      { Name: 'VisibilityTimeout', Value: '7' },
    ]);
  });

  test('sends, receives, hides and deletes a message whose text XML must escape', async () => {
    const MessageBody = '<&> "quoted"\r\nline';
    const sent = await query({
      Action: 'SendMessage',
      QueueUrl,
      MessageBody,
      MessageGroupId: 'g',
      'MessageAttribute.1.Name': 'k',
      'MessageAttribute.1.Value.DataType': 'String',
      'MessageAttribute.1.Value.StringValue': 'v',
    });
    const { MD5OfMessageBody, MessageId, MD5OfMessageAttributes } =
      sent.xml.SendMessageResponse.SendMessageResult;
    const received = await query({
      Action: 'ReceiveMessage',
      QueueUrl,
      MaxNumberOfMessages: '10',
      'AttributeName.1': 'MessageGroupId',
      'MessageAttributeName.1': 'All',
    });
    const message = received.xml.ReceiveMessageResponse.ReceiveMessageResult.Message;
    expect(message).toMatchObject({
      MessageId,
      Body: MessageBody,
      MD5OfBody: MD5OfMessageBody,
      MD5OfMessageAttributes,
      Attribute: { Name: 'MessageGroupId', Value: 'g' },
      MessageAttribute: { Name: 'k', Value: { DataType: 'String', StringValue: 'v' } },
    });
    const { ReceiptHandle } = message;
    const hidden = await query({
      Action: 'ChangeMessageVisibility',
      QueueUrl,
      ReceiptHandle,
      VisibilityTimeout: '30',
    });
    expect(hidden).toMatchObject({ status: 200, xml: { ChangeMessageVisibilityResponse: {} } });
    // The oldest clients post to the queue instead of naming it.
    const deleted = await query({ Action: 'DeleteMessage', ReceiptHandle }, QueueUrl);
    expect(deleted).toMatchObject({ status: 200, xml: { DeleteMessageResponse: {} } });
  });

  test('answers batches entry by entry', async () => {
    const sent = await query({
      Action: 'SendMessageBatch',
      QueueUrl,
      'SendMessageBatchRequestEntry.1.Id': 'a',
      'SendMessageBatchRequestEntry.1.MessageBody': 'text',
      'SendMessageBatchRequestEntry.2.Id': 'b',
      'SendMessageBatchRequestEntry.2.MessageBody': '',
    });
    expect(sent.xml.SendMessageBatchResponse.SendMessageBatchResult).toMatchObject({
      SendMessageBatchResultEntry: { Id: 'a', MessageId: expect.any(String) },
      BatchResultErrorEntry: { Id: 'b', SenderFault: 'true', Code: 'MissingParameter' },
    });
  });

  test.each([
    ['GetQueueUrl', { QueueName: 'none' }, 400, 'AWS.SimpleQueueService.NonExistentQueue'],
    ['GetQueueUrl', {}, 400, 'MissingParameter'],
    ['DeleteMessage', { QueueUrl: 'work', ReceiptHandle: 'x' }, 404, 'ReceiptHandleIsInvalid'],
    ['SendMessageBatch', { QueueUrl: 'work' }, 400, 'AWS.SimpleQueueService.EmptyBatchRequest'],
    ['Paint', {}, 400, 'InvalidAction'],
    ['constructor', {}, 400, 'InvalidAction'],
  ])('answers an error to %s %j', async (Action, fields: Record<string, string>, status, Code) => {
    const answer = await query({ Action, ...fields });
    expect(answer.status).toBe(status);
    expect(answer.xml.ErrorResponse.Error).toMatchObject({
      Type: 'Sender',
      Code,
      Message: expect.any(String),
    });
  });
});

describe('the JSON protocol', () => {
  test('answers an error with its old code in a header', async () => {
    const response = await fetch(bench.sqs.url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.GetQueueUrl' },
      body: '{"QueueName":"none"}',
    });
    expect(response.status).toBe(400);
    expect(response.headers.get('x-amzn-query-error')).toBe('AWS.SimpleQueueService.NonExistentQueue;Sender');
    expect(await response.json()).toMatchObject({ __type: 'com.amazonaws.sqs#QueueDoesNotExist' });
  });

  test.each(['', '[]', 'null', '{'])('refuses the body %j', async (body) => {
    const headers = { 'x-amz-target': 'AmazonSQS.ListQueues' };
    const response = await fetch(bench.sqs.url, { method: 'POST', headers, body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ __type: 'com.amazonaws.sqs#SerializationException' });
  });
});

describe('below the protocols', () => {
  const post = (init: RequestInit) => fetch(bench.sqs.url, { method: 'POST', ...init });

  test('a web page may not call', async () => {
    expect(
      (await post({ headers: { origin: 'https://example.com' }, body: 'Action=ListQueues' })).status,
    ).toBe(403);
  });

  test('only POST is taken', async () => {
    expect((await fetch(`${bench.sqs.url}/?Action=ListQueues`)).status).toBe(405);
  });

  test('a body of more than 8 MiB is refused', async () => {
    expect((await post({ body: 'x'.repeat(8 * 1024 * 1024 + 1) })).status).toBe(413);
  });

  test('a taken port is an error', async () => {
    await expect(openBench([], bench.sqs.port)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});

test('the AWS CLI works unchanged', async () => {
  if (!(await awsCliVersion())) return;
  const sqs = (...args: string[]) => awsCli(bench.sqs.url, ['sqs', ...args]);
  const created = await sqs('create-queue', '--queue-name', 'cli');
  const url = bench.sqs.queueUrl('cli');
  expect(created).toEqual({ QueueUrl: url });
  await sqs('send-message', '--queue-url', url, '--message-body', 'from the shell');
  const received = await sqs('receive-message', '--queue-url', url, '--wait-time-seconds', '5');
  expect(received).toMatchObject({ Messages: [{ Body: 'from the shell' }] });
});
