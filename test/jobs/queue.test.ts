/** The tasks queue: batches, partial failures, backlog. */

import { GetQueueAttributesCommand, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { type Task, taskSchema } from '../../jobs/messages.ts';
import { newVideoId, revisionOf } from '../../jobs/names.ts';
import { backlog, sendTasks } from '../../jobs/queue.ts';

const sqs = mockClient(SQSClient);
const client = new SQSClient({});
const QUEUE = 'http://127.0.0.1/tasks';
const video = newVideoId();
const revision = revisionOf({ etag: 'e1', size: 5 }, {});
const chunks = (count: number): Task[] =>
  Array.from({ length: count }, (_, index) => ({ kind: 'chunk', video, revision, index }));

const batches = () =>
  sqs.commandCalls(SendMessageBatchCommand).map(({ args }) => args[0].input.Entries ?? []);
const sentTasks = () =>
  batches().map((batch) => batch.map(({ MessageBody }) => taskSchema.parse(JSON.parse(MessageBody ?? ''))));
const failed = (id: string, SenderFault: boolean) => ({
  Failed: [{ Id: id, SenderFault, Code: 'InternalError', Message: 'sorry' }],
  Successful: [],
});

beforeEach(() => {
  sqs.reset();
});

describe('sendTasks', () => {
  test.each([
    [0, []],
    [1, [1]],
    [10, [10]],
    [11, [10, 1]],
    [25, [10, 10, 5]],
  ])('sends %i tasks in batches of %j, in order and none lost', async (count, sizes) => {
    sqs.on(SendMessageBatchCommand).resolves({});
    await sendTasks(client, QUEUE, chunks(count));
    expect(batches().map(({ length }) => length)).toEqual(sizes);
    expect(sentTasks().flat()).toEqual(chunks(count));
  });

  test('names the video as message group, so that a long video does not hold up a short one', async () => {
    sqs.on(SendMessageBatchCommand).resolves({});
    await sendTasks(client, QUEUE, chunks(2));
    expect(batches()[0]?.map(({ MessageGroupId }) => MessageGroupId)).toEqual([video, video]);
  });

  test('sends again what SQS refused for a reason of its own, and only that', async () => {
    sqs.on(SendMessageBatchCommand).resolvesOnce(failed('1', false)).resolves({});
    await sendTasks(client, QUEUE, chunks(3));
    expect(sentTasks()).toEqual([chunks(3), [{ kind: 'chunk', video, revision, index: 1 }]]);
  });

  test.each([
    ['at once where the fault is ours', true, 1],
    ['after four tries where the fault is its own', false, 4],
  ])('throws %s', async (_, senderFault, tries) => {
    sqs.on(SendMessageBatchCommand).resolves(failed('0', senderFault));
    await expect(sendTasks(client, QUEUE, chunks(1))).rejects.toThrow(
      `${QUEUE} refused 1 task(s): InternalError: sorry`,
    );
    expect(batches()).toHaveLength(tries);
  });
});

test('backlog gives all three counts of a queue', async () => {
  sqs.on(GetQueueAttributesCommand, { QueueUrl: QUEUE }).resolves({
    Attributes: {
      ApproximateNumberOfMessages: '7',
      ApproximateNumberOfMessagesNotVisible: '2',
      ApproximateNumberOfMessagesDelayed: '1',
    },
  });
  expect(await backlog(client, QUEUE)).toEqual({ visible: 7, inFlight: 2, delayed: 1 });
});
