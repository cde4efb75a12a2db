/** EventBridge on a laptop: events go to the queues of the rules that match them. */
import {
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  TestEventPatternCommand,
} from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startEventBus } from '../../local/event-bus.ts';

const REGION = 'us-east-1';
const EVENT = {
  Source: 'spotreel',
  DetailType: 'video.ready',
  Detail: '{"data":{"id":"a","width":1920},"list":["x"]}',
  Time: new Date('2030-01-02T03:04:05Z'),
};

let bus: Awaited<ReturnType<typeof startEventBus>>;
let client: EventBridgeClient;
let heard: { queue: string; event: unknown }[] = [];
beforeAll(async () => {
  const send = async (queue: string, event: string) => void heard.push({ queue, event: JSON.parse(event) });
  bus = await startEventBus({ port: 0, region: REGION, send });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'secret' };
  client = new EventBridgeClient({ region: REGION, endpoint: bus.url, credentials });
});
afterAll(async () => {
  client.destroy();
  await bus.close();
});

/** Lets one rule, the same every time, send what matches to a queue. */
async function rule(pattern: object): Promise<void> {
  heard = [];
  await client.send(new PutRuleCommand({ Name: 'rule', EventPattern: JSON.stringify(pattern) }));
  const Targets = [{ Id: 'queue', Arn: `arn:aws:sqs:${REGION}:000000000000:heard` }];
  await client.send(new PutTargetsCommand({ Rule: 'rule', Targets }));
}

test.each([
  [{ source: ['spotreel'] }, true],
  [{ source: ['aws.ec2', 'spotreel'], 'detail-type': ['video.ready'] }, true],
  [{ source: ['aws.ec2'] }, false],
  [{ source: ['spotreel'], 'detail-type': ['video.failed'] }, false],
  [{ detail: { data: { id: ['a'], width: [1920] } } }, true],
  [{ detail: { data: { id: ['b'] } } }, false],
  [{ detail: { data: { width: ['1920'] } } }, false],
  [{ detail: { nothing: { id: ['a'] } } }, false],
])('a rule with the pattern %j matches: %p', async (pattern, matches) => {
  await rule(pattern);
  await client.send(new PutEventsCommand({ Entries: [EVENT] }));
  expect(heard).toHaveLength(matches ? 1 : 0);
});

test('an event has the envelope that EventBridge gives it', async () => {
  await rule({ source: ['spotreel'] });
  const { Entries } = await client.send(new PutEventsCommand({ Entries: [EVENT] }));
  expect(heard).toEqual([
    {
      queue: 'heard',
      event: {
        ...{ version: '0', id: Entries?.[0]?.EventId, 'detail-type': 'video.ready', source: 'spotreel' },
        ...{ account: '000000000000', time: '2030-01-02T03:04:05Z', region: REGION, resources: [] },
        detail: JSON.parse(EVENT.Detail),
      },
    },
  ]);
});

test.each([
  ['a pattern that it could not match as EventBridge does', () => rule({ source: [{ prefix: 'spot' }] })],
  [
    'an event whose detail is no object',
    () => client.send(new PutEventsCommand({ Entries: [{ ...EVENT, Detail: '1' }] })),
  ],
  ['targets of no rule', () => client.send(new PutTargetsCommand({ Rule: 'none', Targets: [] }))],
  ['what is not built', () => client.send(new TestEventPatternCommand({ Event: '{}', EventPattern: '{}' }))],
])('%s is refused', async (_, call) => {
  await expect(call()).rejects.toThrow(expect.objectContaining({ name: 'ValidationException' }));
});
