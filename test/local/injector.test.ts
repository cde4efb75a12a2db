/** The injector strikes when it is due, and never asks more of the platform than the platform promises. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Injector } from '../../local/faults/injector.ts';
import type { FaultKind, PlannedFault } from '../../local/faults/schedule.ts';
import type { MessageView } from '../../local/sqs/queue.ts';

const MACHINE = `AWS4-HMAC-SHA256 Credential=ASIA0123/20260102/us-east-1/s3/aws4_request`;
const LAMBDA = `AWS4-HMAC-SHA256 Credential=local/20260102/us-east-1/s3/aws4_request`;

let injector: Injector;
let tasks: MessageView[];
/** What was done to the platform. */
let done: string[];

beforeEach(() => {
  jest.useFakeTimers();
  tasks = [];
  done = [];
});
afterEach(() => {
  injector.stop();
  jest.useRealTimers();
});

const planned = (kind: FaultKind, more: Partial<PlannedFault> = {}): PlannedFault => ({
  kind,
  at: 0,
  afterSeconds: 0,
  choice: 0,
  amount: 0,
  ...more,
});

function start(...faults: PlannedFault[]): void {
  injector = new Injector(faults, 10, () => {});
  injector.start({
    sqs: {
      messages: () => tasks,
      send: async (queue, body, group) => void done.push(`sent ${queue} ${body} ${group}`),
    },
    ec2: {
      instances: () => [
        { instanceId: 'i-dead', state: 'terminated' },
        { instanceId: 'i-alive', state: 'running' },
        { instanceId: 'i-other', state: 'running' },
      ],
      killInstance: async (id) => void done.push(`killed ${id}`),
      serveSpotNotice: (id, seconds) => void done.push(`noticed ${id} ${seconds} s before its end`),
    },
  });
}

/** Lets the injector look, several times. */
const pass = () => jest.advanceTimersByTime(1000);

/** A receipt is written. */
const progress = (task: number) =>
  injector.hooks.s3Request('PUT', `/uploads/jobs/video/revision/done/chunk-${task}.json`, {});

/** Whether S3 refuses a call's next try. */
const refuses = (call: string, authorization: string) =>
  injector.hooks.s3Request('GET', '/bucket/key', {
    authorization,
    'amz-sdk-invocation-id': call,
    ...(authorization === LAMBDA && { 'user-agent': 'aws-sdk-js/3 exec-env/AWS_Lambda_nodejs24.x' }),
  })?.refuse !== undefined;

const task = (receiveCount: number, inFlight: boolean): MessageView => ({
  body: 'task',
  group: 'video',
  receiveCount,
  sentAt: 0,
  inFlight,
});

describe('a fault', () => {
  test('comes when the work has got so far, a little later, and once', () => {
    start(planned('kill', { at: 0.2, afterSeconds: 0.5 }));
    progress(1);
    pass();
    progress(1); // the same receipt again is no progress
    pass();
    expect(done).toEqual([]);
    progress(2);
    jest.advanceTimersByTime(400);
    expect(done).toEqual([]);
    pass();
    pass();
    expect(done).toEqual(['killed i-alive']);
    expect(injector.left).toEqual([]);
  });

  test('that waits for something is left where that never comes', () => {
    start(planned('refused-launch'));
    pass();
    expect(injector.left).toMatchObject([{ kind: 'refused-launch' }]);
    expect(injector.strikes).toEqual([]);
  });
});

describe('a machine', () => {
  const AT_ITS_LAST = [
    ['in work for the third time', task(3, true)],
    ['waiting to be received for the third time', task(2, false)],
  ] as const;

  test.each(AT_ITS_LAST)('is not killed while a task is %s: that would end its video', (_, last) => {
    start(planned('kill'));
    tasks = [task(1, true), last];
    pass();
    expect(done).toEqual([]);
    tasks = [task(2, true), task(1, false)];
    pass();
    expect(done).toEqual(['killed i-alive']);
  });

  test.each(AT_ITS_LAST)(
    'gets the whole notice while a task is %s: it hands back, without limit',
    (_, last) => {
      start(planned('spot-notice'));
      tasks = [last];
      pass();
      expect(done).toEqual(['noticed i-alive 120 s before its end']);
    },
  );

  test('else gets a short one, in which it may not get everything done', () => {
    start(planned('spot-notice', { amount: 0.5 }), planned('spot-notice'));
    tasks = [task(2, true)];
    pass();
    expect(done).toEqual(['noticed i-alive 7 s before its end', 'noticed i-other 5 s before its end']);
  });
});

describe('S3 refuses', () => {
  test('so many calls of a machine that its task fails, while every task has a delivery left', () => {
    start(planned('s3-refuses', { amount: 0.5 }));
    pass();
    expect([1, 2, 3].map(() => refuses('call', MACHINE))).toEqual([true, true, true]);
    tasks = [task(3, true)];
    expect(refuses('call', MACHINE)).toBe(false);
  });

  test('dispatch no more often than the SDK tries again, and nobody outside the platform', () => {
    start(planned('s3-refuses', { amount: 0.9 }));
    pass();
    expect([1, 2, 3].map(() => refuses('call', LAMBDA))).toEqual([true, true, false]);
    expect(refuses('another call', LAMBDA)).toBe(true);
    expect(refuses('a call of somebody else', 'AWS4-HMAC-SHA256 Credential=local/20260102')).toBe(false);
    expect(injector.hooks.s3Request('PUT', '/bucket/key', {})).toBeUndefined(); // a presigned URL
  });

  test('nothing any more when it has been stopped', () => {
    start(planned('s3-refuses', { amount: 0.9 }));
    pass();
    expect(refuses('call', LAMBDA)).toBe(true);
    injector.stop();
    expect(refuses('call', LAMBDA)).toBe(false);
  });
});

describe('messages', () => {
  test('come once more, with their group', () => {
    start(planned('duplicate-task', { at: 0.1 }));
    injector.hooks.messageSent('uploads', { body: 'event', group: undefined });
    injector.hooks.messageSent('tasks', { body: 'chunk', group: 'video' });
    progress(1);
    pass();
    expect(done).toEqual(['sent tasks chunk video']);
  });

  test('come late, the next one that is sent', () => {
    start(planned('delayed-message', { amount: 0.5 }));
    pass();
    expect(injector.hooks.messageSent('tasks', { body: 'chunk', group: 'video' })).toBeGreaterThan(0);
    expect(injector.hooks.messageSent('tasks', { body: 'chunk', group: 'video' })).toBe(0);
  });
});
