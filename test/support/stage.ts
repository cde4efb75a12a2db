/**
 * The stack's functions on a stage: each handler runs in this very process, with its role's key, before services of AWS
 * on loopback that allow the role what the stack does. Tests set the scene as the owner, who may do everything, at any
 * time of their choice.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EC2Client } from '@aws-sdk/client-ec2';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import { jest } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { QUEUES, UPLOAD_CORS } from '../../jobs/platform.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { startEc2 } from '../../local/ec2/ec2.ts';
import { startEventBus } from '../../local/event-bus.ts';
import { type FunctionRole, keyEnvironment, OWNER, openIam, type RoleCall } from '../../local/iam/iam.ts';
import { startIot } from '../../local/iot/iot.ts';
import { startKeyValueStore } from '../../local/key-value-store/key-value-store.ts';
import { startS3 } from '../../local/s3/server.ts';
import { startSqs } from '../../local/sqs/sqs.ts';
import { startSsm } from '../../local/ssm/ssm.ts';
import { startXray } from '../../local/xray/xray.ts';
import { lambdaContext } from './lambda.ts';
import { PRODUCTION_BUCKET, UPLOAD_BUCKET } from './spotreel.ts';

const REGION = 'us-east-1';
const PLATFORM = 'local';
export const PARAMETERS = `/spotreel/${PLATFORM}`;
const TEMPLATE = {
  architecture: 'arm64',
  launchTemplateId: 'lt-00000000000000000',
  version: '1',
  instanceTypes: [{ type: 'local.machine', vcpus: 2 }],
};

/** All but `Date` stays real: services and clients wait in real time, whatever the clock says. */
const TIMERS = [
  ...([
    'setTimeout',
    'setInterval',
    'setImmediate',
    'clearTimeout',
    'clearInterval',
    'clearImmediate',
  ] as const),
  ...(['nextTick', 'queueMicrotask', 'hrtime', 'performance'] as const),
];

/** A client that believes its own clock: SDKs would learn the real time from the answers' `Date`. */
function ownTime<T extends S3Client | EC2Client>(client: T): T {
  Object.defineProperty(client.config, 'systemClockOffset', { get: () => 0, set() {} });
  return client;
}

type Handler = (event: unknown, context: Context) => Promise<unknown>;

/** Starts it. @param onCall hears what functions ask of the services */
export async function startStage(onCall: (call: RoleCall) => void) {
  const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-stage-'));
  const { authorize, credentials, worker } = openIam(onCall);
  const options = { port: 0, region: REGION, authorize };
  let refusal: string | undefined;
  const sqs = await startSqs({
    ...options,
    dataDir: join(dataDir, 'sqs'),
    queues: (['uploads', 'tasks', 'events'] as const).map((name) => ({ name, settings: QUEUES[name] })),
  });
  const bucket = { cors: UPLOAD_CORS, notifications: [] };
  const s3Server = await startS3({
    ...options,
    dataDir: join(dataDir, 's3'),
    credentials,
    buckets: [UPLOAD_BUCKET, PRODUCTION_BUCKET].map((name) => ({ name, ...bucket })),
    notify: async () => {},
    incompleteUploadDays: 1,
  });
  const ec2 = await startEc2({
    ...options,
    maxInstances: 4,
    vcpusPerInstance: 2,
    credentials: worker,
    worker: {
      command: process.execPath,
      args: ['-e', 'setInterval(() => {}, 1e6)'],
      env: {},
      logDir: dataDir,
    },
    faults: { s3Request: () => undefined, messageSent: () => 0, fleetRequested: () => refusal },
  });
  const ssm = await startSsm({ ...options, dataDir: join(dataDir, 'ssm') });
  const edge = await startKeyValueStore({ ...options, dataDir: join(dataDir, 'edge') });
  const bus = await startEventBus({ ...options, send: async () => {} });
  const xray = await startXray({ ...options, dataDir: join(dataDir, 'xray') });
  const iot = await startIot({
    ...options,
    // Nobody connects: the function that is asked who may is called by tests.
    authorizer: { entry: 'none', env: {}, timeoutSeconds: 1, logFile: join(dataDir, 'iot.log') },
  });

  const owner = { region: REGION, credentials: OWNER };
  const s3 = ownTime(new S3Client({ ...owner, endpoint: s3Server.url, forcePathStyle: true }));
  /** Everything that any function is told. */
  const environment = {
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_S3: s3Server.url,
    AWS_ENDPOINT_URL_SQS: sqs.url,
    AWS_ENDPOINT_URL_EC2: ec2.url,
    AWS_ENDPOINT_URL_SSM: ssm.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: bus.url,
    AWS_ENDPOINT_URL_XRAY: xray.url,
    AWS_ENDPOINT_URL_IOT_DATA_PLANE: iot.url,
    KEY_VALUE_STORE: edge.arn,
    AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE: edge.url,
    UPLOAD_BUCKET,
    PRODUCTION_BUCKET,
    UPLOADS_QUEUE_URL: sqs.queueUrl('uploads'),
    TASKS_QUEUE_URL: sqs.queueUrl('tasks'),
    EVENTS_QUEUE_URL: sqs.queueUrl('events'),
    PLATFORM,
    PARAMETERS,
    LAUNCH_TEMPLATES: JSON.stringify([TEMPLATE]),
    SUBNET_IDS: 'subnet-00000000000000000',
    MAX_VCPUS: '8',
    MAX_ON_DEMAND_VCPUS: '0',
    DAILY_CEILING: '1000',
    TARGET_SECONDS: '60',
    MAX_LIFETIME_SECONDS: '86400',
    DELETE_REVISIONS_AFTER_DAYS: '1',
    DELETE_JOB_STATE_AFTER_DAYS: '1',
    ACCESS: 'tokens',
    QUOTA: JSON.stringify({ videosInFlight: 100, bytesADay: 1e12 }),
    WEBHOOK_REACH: 'loopback',
    RETRY_SECONDS: '[0]',
    LIVE_TOPICS: `spotreel/${PLATFORM}`,
    LIVE_URL: iot.mqttUrl,
  };
  const before = { ...process.env };
  return {
    platform: PLATFORM,
    template: TEMPLATE,
    s3,
    stores: {
      uploads: new ObjectStore(s3, UPLOAD_BUCKET),
      production: new ObjectStore(s3, PRODUCTION_BUCKET),
    },
    ssm: new SSMClient({ ...owner, endpoint: ssm.url }),
    sqs: new SQSClient({ ...owner, endpoint: sqs.url }),
    ec2: ownTime(new EC2Client({ ...owner, endpoint: ec2.url })),
    queueUrl: (name: string) => sqs.queueUrl(name),
    /** From now on EC2 refuses every fleet with this code. */
    refuseFleets(code: string | undefined): void {
      refusal = code;
    },
    /** Calls a function. Its clients keep the key that they find at their first call. */
    async call(role: FunctionRole, event: unknown): Promise<unknown> {
      Object.assign(process.env, environment, keyEnvironment(role));
      const { handler }: { handler: Handler } = await import(`../../lambda/${role}.ts`);
      return handler(event, lambdaContext());
    },
    /** Does something so many hours ago, for all services alike. */
    async hoursAgo<T>(hours: number, act: () => Promise<T>): Promise<T> {
      jest.useFakeTimers({ now: Date.now() - hours * 3_600_000, doNotFake: TIMERS });
      try {
        return await act();
      } finally {
        jest.useRealTimers();
      }
    },
    async close(): Promise<void> {
      process.env = before;
      for (const service of [iot, xray, bus, edge, ssm, ec2, s3Server, sqs]) await service.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
export type Stage = Awaited<ReturnType<typeof startStage>>;
