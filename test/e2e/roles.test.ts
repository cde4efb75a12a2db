/**
 * Every function may do what its code does, and no more: here they do whatever they ever do. Nothing is denied, and every
 * permission is used. The permissions are those of the synthesized stack (test/lib/policies.test.ts).
 */
import { randomUUID } from 'node:crypto';
import { CreateFleetCommand, DescribeInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { z } from 'zod';
import { recordAttempt } from '../../jobs/attempts.ts';
import { claimVideo, readClaim } from '../../jobs/claim.ts';
import { PLATFORM_TAG } from '../../jobs/environment.ts';
import { recordFailure } from '../../jobs/failed.ts';
import { markEnded } from '../../jobs/history.ts';
import type { CreatedObject, Encode, Task } from '../../jobs/messages.ts';
import {
  capacityKeys,
  deletedKey,
  jobKeys,
  LEDGER_KEY,
  newVideoId,
  pendingKey,
  revisionOf,
  sourceKey,
  UPLOADS_PREFIX,
  untoldKey,
  videoIdOf,
  videoKeys,
  webhookKeys,
} from '../../jobs/names.ts';
import { markLeaving, markOld } from '../../jobs/old-marks.ts';
import { markOpen, unmarkOpen } from '../../jobs/open.ts';
import { publish } from '../../jobs/publish.ts';
import { sendTasks } from '../../jobs/queue.ts';
import { requestFirst } from '../../jobs/requests.ts';
import type { ObjectStore } from '../../jobs/store.ts';
import { Tokens } from '../../jobs/tokens.ts';
import { markUnsettled } from '../../jobs/visibility.ts';
import { reportWorker } from '../../jobs/workers.ts';
import { FUNCTIONS, type RoleCall } from '../../local/iam/iam.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { captureLog } from '../support/log-lines.ts';
import { unusedPermissions } from '../support/permissions.ts';
import { askedOf, OLDER } from '../support/recipes.ts';
import { PARAMETERS, type Stage, startStage } from '../support/stage.ts';
import { makeTiny } from '../support/tiny-video.ts';
import { startReceiver } from '../support/webhooks.ts';

const SETTINGS = encodeSettingsSchema.parse({});
const calls: RoleCall[] = [];
let stage: Stage;
let receiver: Awaited<ReturnType<typeof startReceiver>>;
let admin = '';
beforeAll(async () => {
  stage = await startStage((call) => calls.push(call));
  captureLog();
  receiver = await startReceiver((count) => (count === 0 ? 204 : 500));
  admin = (await new Tokens(stage.ssm, PARAMETERS).create('owner', ['admin'])).token;
});
afterAll(async () => {
  await receiver.close();
  await stage.close();
  jest.restoreAllMocks();
});

/** What SQS hands a function. */
const sqsEvent = (...bodies: unknown[]) => ({
  Records: bodies.map((body) => ({
    // Equal ids would be deliveries of one message, for which EC2 is asked once.
    messageId: randomUUID(),
    receiptHandle: 'a receipt',
    body: JSON.stringify(body),
    attributes: { ApproximateReceiveCount: '1' },
  })),
});
const ALL_WELL = { batchItemFailures: [] };

/** A source that lies in the upload bucket, as S3 tells of it. */
async function dropped(key: string) {
  const { uploads } = stage.stores;
  await uploads.put(key, 'source', { contentType: 'video/mp4' });
  return objectAt(uploads, key);
}

/** An object as S3 tells of it. */
async function objectAt(store: ObjectStore, key: string): Promise<CreatedObject> {
  for await (const { size, etag, lastModified } of store.list(key))
    return { bucket: store.bucket, key, size, etag, time: lastModified.toISOString() };
  throw new Error(`${key} is not there`);
}

/** A video that is claimed and asked for. */
async function claimed(key = sourceKey(newVideoId())): Promise<Encode> {
  const { uploads } = stage.stores;
  const { video, claim } = await claimVideo(uploads, await dropped(key));
  return { video, revision: await requestFirst(uploads, video, claim, SETTINGS) };
}

/** A video that plays. */
async function published(): Promise<Encode> {
  const encode = await claimed();
  await makeTiny(stage.stores, encode);
  await publish(stage.stores, encode);
  return encode;
}

const answerSchema = z.object({ statusCode: z.int(), body: z.string().default('') });
/** Asks the API. Throws where it refuses. */
async function ask(method: string, path: string, body?: unknown, headers = {}): Promise<unknown> {
  const [rawPath = '', rawQueryString = ''] = path.split('?');
  const json = body !== undefined && !Buffer.isBuffer(body);
  const answer = await stage.call('api', {
    version: '2.0',
    rawPath,
    rawQueryString,
    headers: {
      host: 'localhost',
      authorization: `Bearer ${admin}`,
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    requestContext: { http: { method, path: rawPath }, domainName: 'localhost' },
    ...(body !== undefined && { body: json ? JSON.stringify(body) : body.toString('base64') }),
    isBase64Encoded: Buffer.isBuffer(body),
  });
  const { statusCode, body: text } = answerSchema.parse(answer);
  if (statusCode >= 400) throw new Error(`${method} ${path}: ${statusCode} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

const idSchema = z.looseObject({ id: z.string() });

describe('the API', () => {
  test('hands out tokens, and takes them back', async () => {
    const { id } = idSchema.parse(await ask('POST', '/api/tokens', { name: 'reader', scopes: ['read'] }));
    await ask('GET', '/api/tokens');
    await ask('DELETE', `/api/tokens/${id}`);
    await ask('POST', '/api/upload-tokens', { maxBytes: 1000 });
  });

  test('takes uploads in one and in parts, and drops what is aborted', async () => {
    const file = { fileName: 'a.mp4', size: 6, type: 'video/mp4' };
    const once = { 'idempotency-key': 'once' };
    const upload = z
      .looseObject({ id: z.string(), url: z.string(), headers: z.record(z.string(), z.string()) })
      .parse(await ask('POST', '/api/uploads', file, once));
    await ask('POST', '/api/uploads', file, once);
    const { 'content-length': _, ...headers } = upload.headers;
    expect((await fetch(upload.url, { method: 'PUT', body: 'source', headers })).status).toBe(200);
    await ask('POST', `/api/uploads/${upload.id}/complete`, {});

    const large = { ...file, size: 64 * 1024 ** 2 + 1 };
    const { id } = idSchema.parse(await ask('POST', '/api/uploads', large));
    const { parts } = z
      .looseObject({ parts: z.array(z.looseObject({ url: z.string(), size: z.int() })) })
      .parse(await ask('POST', `/api/uploads/${id}/parts`, { numbers: [1] }));
    for (const { url, size } of parts)
      expect((await fetch(url, { method: 'PUT', body: Buffer.alloc(size) })).status).toBe(200);
    await ask('GET', `/api/uploads/${id}/parts`);
    await ask('DELETE', `/api/uploads/${id}`);
  });

  test('shows, changes, encodes again and deletes videos', async () => {
    const { video, revision } = await published();
    const path = `/api/videos/${video}`;
    await ask('GET', '/api/videos');
    await ask('GET', path);
    await ask('GET', `/api/live?video=${video}`);
    await ask('PATCH', path, { title: 'Ours', visibility: 'private' });
    const { id: track } = idSchema.parse(
      await ask(
        'POST',
        `${path}/subtitles?language=en`,
        Buffer.from('1\n00:00:01,000 --> 00:00:02,000\nHi\n'),
        {
          'content-type': 'application/octet-stream',
        },
      ),
    );
    await ask('DELETE', `${path}/subtitles/${track}`);
    await ask('POST', `${path}/reencode`, { settings: { preset: 'medium' } });
    await ask('POST', `${path}/rollback`, { revision });
    const failed = await claimed();
    await recordFailure(stage.stores.uploads, failed, { code: 'gave-up', message: 'no luck' });
    await ask('POST', `/api/videos/${failed.video}/retry`, {});
    await ask('DELETE', path);
  });

  test('keeps webhooks, tries them, and sends again what they did not get', async () => {
    const { id } = idSchema.parse(await ask('POST', '/api/webhooks', { url: receiver.url }));
    const path = `/api/webhooks/${id}`;
    await ask('GET', '/api/webhooks');
    await ask('POST', `${path}/secret`, {});
    await ask('POST', `${path}/test`, {});
    await stage.stores.uploads.putJson(`webhooks/undelivered/${id}/msg_1.json`, {
      event: {
        type: 'webhook.test',
        timestamp: new Date().toISOString(),
        id: 'msg_1',
        data: { endpoint: id },
      },
      at: new Date().toISOString(),
      problem: 'It was away',
    });
    await ask('GET', `${path}/undelivered`);
    await ask('POST', `${path}/replay`, {});
    await ask('DELETE', path);
  });
});

describe('the API, of money', () => {
  test('says what was spent, and lifts a ceiling', async () => {
    await ask('GET', '/api/spending');
    await ask('POST', '/api/spending/resume', {});
  });
});

describe('authorize-live', () => {
  test('reads the secret that signs tokens', async () => {
    await stage.call('authorize-live', {
      protocolData: { mqtt: { clientId: 'a', password: 'none' } },
      connectionMetadata: { id: 'c' },
    });
  });
});

describe('dispatch and sweep', () => {
  const sweep = () =>
    stage.call('sweep', {
      id: randomUUID(),
      source: 'aws.events',
      'detail-type': 'Scheduled Event',
      detail: {},
    });

  /** A task that waits. */
  async function waiting(): Promise<Encode> {
    const encode = await claimed();
    await sendTasks(stage.sqs, stage.queueUrl('tasks'), [{ kind: 'plan', ...encode }]);
    return encode;
  }

  async function endMachines(): Promise<void> {
    const { Reservations = [] } = await stage.ec2.send(new DescribeInstancesCommand({}));
    const InstanceIds = Reservations.flatMap(({ Instances = [] }) =>
      Instances.map((one) => one.InstanceId ?? ''),
    );
    await stage.ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  }

  /** Else the next one would go by what was learnt, and ask EC2 nothing. */
  async function forgetHints(): Promise<void> {
    const { calibration: _, ...learnt } = capacityKeys;
    for (const key of [...Object.values(learnt), LEDGER_KEY]) await stage.stores.uploads.delete(key);
  }

  test.each([
    ['a pool that has none left', 'InsufficientInstanceCapacity'],
    ['a quota that is used up', 'MaxSpotInstanceCountExceeded'],
  ])('remember %s', async (_, refusal) => {
    const requeue = await waiting();
    stage.refuseFleets(refusal);
    expect(await stage.call('dispatch', sqsEvent({ requeue }))).toMatchObject({ batchItemFailures: [{}] });
    await forgetHints();
    await expect(sweep()).rejects.toThrow('No machine was launched');
    await forgetHints();
    stage.refuseFleets(undefined);
  });

  test('launch machines', async () => {
    const requeue = await waiting();
    expect(await stage.call('dispatch', sqsEvent({ requeue }))).toEqual(ALL_WELL);
    await endMachines();
    await forgetHints();
    await sweep();
  });
});

describe('dispatch', () => {
  test('claims what nobody announced, and sees how much work a plan is', async () => {
    const { uploads } = stage.stores;
    const uploaded = await dropped(sourceKey(newVideoId()));
    expect(await stage.call('dispatch', sqsEvent({ uploaded }))).toEqual(ALL_WELL);
    const encode = await claimed();
    await makeTiny(stage.stores, encode);
    const plan = await objectAt(uploads, jobKeys.plan(encode.video, encode.revision));
    expect(await stage.call('dispatch', sqsEvent({ uploaded: plan }))).toEqual(ALL_WELL);
  });

  test('claims what is uploaded, and queues it', async () => {
    const { id } = idSchema.parse(
      await ask('POST', '/api/uploads', { fileName: 'a.mp4', size: 6, type: 'video/mp4' }),
    );
    const uploaded = await dropped(`${UPLOADS_PREFIX}${id}/source`);
    expect(await stage.call('dispatch', sqsEvent({ uploaded }))).toEqual(ALL_WELL);
  });

  test('asks anew for what another version of the code was asked for', async () => {
    const { uploads } = stage.stores;
    const { video, claim } = await claimVideo(uploads, await dropped(sourceKey(newVideoId())));
    const renew = await askedOf(OLDER, uploads, video, claim);
    expect(await stage.call('dispatch', sqsEvent({ renew }))).toEqual(ALL_WELL);
  });

  test('claims anew what is dropped again after its deletion', async () => {
    const uploaded = await dropped(`${UPLOADS_PREFIX}again.mp4`);
    await markDeleted(uploaded);
    expect(await stage.call('dispatch', sqsEvent({ uploaded }))).toEqual(ALL_WELL);
  });
});

/** Marks the video of a dropped file as deleted before it came. */
const markDeleted = (source: Parameters<typeof videoIdOf>[0]) =>
  stage.stores.uploads.putJson(deletedKey(videoIdOf(source)), {
    at: new Date(0).toISOString(),
    busy: false,
  });

describe('bury', () => {
  const task = (encode: Encode): Task => ({ kind: 'chunk', ...encode, index: 0 });

  test('sends a task again that was only interrupted', async () => {
    const encode = await claimed();
    await recordAttempt(stage.stores.uploads, task(encode), {
      ...{ at: new Date().toISOString(), instance: 'i-1', receiveCount: 1, outcome: 'interrupted' },
    });
    expect(await stage.call('bury', sqsEvent(task(encode)))).toEqual(ALL_WELL);
  });

  test('ends a video whose task was lost, also where its mark was, and one that was never dispatched', async () => {
    const uploaded = await dropped(`${UPLOADS_PREFIX}lost.mp4`);
    await markDeleted(uploaded);
    const known = await dropped(sourceKey(newVideoId()));
    const unmarked = await claimed();
    await unmarkOpen(stage.stores.uploads, unmarked);
    const letters = sqsEvent(task(await claimed()), task(unmarked), { uploaded }, { uploaded: known });
    expect(await stage.call('bury', letters)).toEqual(ALL_WELL);
  });
});

describe('notify', () => {
  test('tells of a video what becomes of it, and keeps what a receiver did not take', async () => {
    const { uploads, production } = stage.stores;
    const webhook = idSchema.parse(await ask('POST', '/api/webhooks', { url: receiver.url }));
    const { video } = await published();
    const failed = await claimed();
    await recordFailure(uploads, failed, { code: 'gave-up', message: 'no luck' });
    const gone = newVideoId();
    const at = new Date().toISOString();
    await uploads.putJson(deletedKey(gone), { at, busy: false, uploadedAt: at });
    const told = (bucket: string, key: string) => ({
      uploaded: { bucket, key, size: 1, etag: 'e', time: new Date().toISOString() },
    });
    const events = sqsEvent(
      told(uploads.bucket, jobKeys.claim(video)),
      told(production.bucket, videoKeys.master(video)),
      told(production.bucket, videoKeys.master(failed.video)),
      told(uploads.bucket, jobKeys.failed(failed.video, failed.revision)),
      told(uploads.bucket, deletedKey(gone)),
      told(uploads.bucket, deletedKey(newVideoId())),
    );
    expect(await stage.call('notify', events)).toEqual(ALL_WELL);
    const event = {
      type: 'webhook.test',
      timestamp: new Date().toISOString(),
      id: 'msg_2',
      data: { endpoint: webhook.id },
    };
    const delivery = sqsEvent({ deliver: { endpoint: webhook.id, event } });
    await stage.call('notify', delivery);
    await stage.call('notify', delivery);
    for (const record of delivery.Records) record.attributes.ApproximateReceiveCount = '2';
    expect(await stage.call('notify', delivery)).toEqual(ALL_WELL);
  });
});

describe('mend', () => {
  test('helps what stalled, ends what can not, tells again, sweeps what was deleted or replaced, ends silent machines', async () => {
    const { uploads } = stage.stores;
    const { id: endpoint } = idSchema.parse(await ask('POST', '/api/webhooks', { url: receiver.url }));
    await stage.hoursAgo(40, async () => {
      const stuck = await claimed();
      await markOpen(uploads, stuck);
    });
    await stage.hoursAgo(1, async () => {
      const stalled = await claimed();
      await markOpen(uploads, stalled);
      const unrequested = await claimVideo(uploads, await dropped(sourceKey(newVideoId())));
      await markOpen(uploads, { video: unrequested.video, revision: stalled.revision });
      const ready = await published();
      await markOpen(uploads, ready);
      await uploads.put(untoldKey(ready.video, ready.revision), '', { contentType: 'text/plain' });
      await dropped(`${UPLOADS_PREFIX}unheard.mp4`);
      const { video } = await published();
      const { uploadedAt } = (await readClaim(uploads, video)) ?? {};
      await uploads.putJson(pendingKey(video), {});
      await stage.s3.send(
        new CreateMultipartUploadCommand({ Bucket: uploads.bucket, Key: sourceKey(video) }),
      );
      await uploads.putJson(deletedKey(video), { at: new Date().toISOString(), busy: true, uploadedAt });
      await uploads.putJson(webhookKeys.undeliveredEvent(endpoint, 'msg_3', video), {});
      await launch();
    });
    await stage.hoursAgo(48, async () => {
      const revision = revisionOf({ etag: 'replaced', size: 1 }, {});
      await markOld(uploads, { ...(await claimed()), revision });
      await markLeaving(uploads, { ...(await claimed()), revision });
    });
    await markEnded(uploads, await published(), new Date(0));
    await stage.hoursAgo(3, async () => {
      const at = new Date().toISOString();
      await reportWorker(uploads, { id: 'i-gone', startedAt: at, lastSeenAt: at, tasksInHand: 0, recipe: 1 });
    });
    const { video: longGone } = await claimed();
    await ask('DELETE', `/api/videos/${longGone}`);
    await stage.hoursAgo(367 * 24, () =>
      uploads.putJson(deletedKey(longGone), { at: new Date().toISOString(), busy: false, private: true }),
    );
    const { video: droppedAgain } = await claimed();
    await ask('DELETE', `/api/videos/${droppedAgain}`);
    await uploads.delete(deletedKey(droppedAgain));
    await stage.hoursAgo(1, () => markUnsettled(uploads, droppedAgain));
    // What waits its turn is not helped.
    for (const queue of ['uploads', 'tasks'])
      await stage.sqs.send(new PurgeQueueCommand({ QueueUrl: stage.queueUrl(queue) }));
    await uploads.delete(LEDGER_KEY);
    await stage.call('mend', {});
  });
});

/** Launches a machine of the platform, on which nothing ever reports. */
async function launch(): Promise<void> {
  const { launchTemplateId: LaunchTemplateId, version: Version } = stage.template;
  const Tags = [{ Key: PLATFORM_TAG, Value: stage.platform }];
  await stage.ec2.send(
    new CreateFleetCommand({
      Type: 'instant',
      LaunchTemplateConfigs: [
        {
          LaunchTemplateSpecification: { LaunchTemplateId, Version },
          Overrides: [{ InstanceType: 'local.machine' as 'c7g.large' }], // a type that the SDK does not know
        },
      ],
      TargetCapacitySpecification: { TotalTargetCapacity: 1 },
      TagSpecifications: [{ ResourceType: 'instance', Tags }],
    }),
  );
}

describe('of the functions', () => {
  test('none is denied a call', () => {
    expect(calls.filter(({ isAllowed }) => !isAllowed)).toEqual([]);
  });

  test('each uses every permission that it has', () => {
    expect(unusedPermissions(FUNCTIONS, calls)).toEqual([]);
  });
});
