/**
 * The whole platform on one machine: S3, SQS, EC2 with instance metadata, the Lambda runner and the CDN edge, wired
 * as `lib` wires the real ones, running the same `lambda` and `worker-scripts` unchanged.
 */
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { LaunchTemplate } from '../jobs/environment.ts';
import { capacityKeys, LEDGER_KEY } from '../jobs/names.ts';
import {
  API_TIMEOUT_SECONDS,
  AUTHORIZE_TIMEOUT_SECONDS,
  BURY_BATCH,
  BURY_TIMEOUT_SECONDS,
  DISPATCH_BATCH,
  DISPATCH_TIMEOUT_SECONDS,
  INCOMPLETE_UPLOAD_DAYS,
  MACHINE_EVENTS,
  MEND_MINUTES,
  MEND_TIMEOUT_SECONDS,
  NOTIFY_BATCH,
  NOTIFY_TIMEOUT_SECONDS,
  PRODUCTION_NOTIFICATIONS,
  QUEUES,
  SWEEP_MINUTES,
  UPLOAD_CORS,
  UPLOAD_NOTIFICATIONS,
  uploadExpiries,
  WEBHOOK_RETRY_SECONDS,
} from '../jobs/platform.ts';
import { programFile } from '../jobs/program-file.ts';
import type { Stores } from '../jobs/publish.ts';
import { ObjectStore } from '../jobs/store.ts';
import { type Ec2, startEc2 } from './ec2/ec2.ts';
import type { WorkerSpec } from './ec2/instance.ts';
import { startEdge } from './edge.ts';
import { startEventBus } from './event-bus.ts';
import type { FaultHooks } from './faults/hooks.ts';
import { functionKey, keyEnvironment, OWNER, openIam, type RoleCall } from './iam/iam.ts';
import { startIot } from './iot/iot.ts';
import { startKeyValueStore } from './key-value-store/key-value-store.ts';
import { type EventBridge, startEventBridge } from './lambda/event-bridge.ts';
import { startEventSource } from './lambda/event-source.ts';
import { startHttpFunction } from './lambda/http-function.ts';
import { lockFolder } from './lock.ts';
import { startLogs } from './logs.ts';
import { metricsPage, queuesNow, readMeasured } from './metrics.ts';
import { PORT_DISTANCES } from './ports.ts';
import { startS3 } from './s3/server.ts';
import { type Sqs, startSqs } from './sqs/sqs.ts';
import { startSsm } from './ssm/ssm.ts';
import { lastTraces } from './traces.ts';
import { startXray } from './xray/xray.ts';

const QUEUES_HERE = [
  { name: 'uploads-dead-letters', settings: QUEUES.deadLetters },
  { name: 'events-dead-letters', settings: QUEUES.deadLetters },
  { name: 'tasks-dead-letters', settings: QUEUES.deadLetters },
  { name: 'uploads', settings: QUEUES.uploads, deadLetterQueue: 'uploads-dead-letters' },
  { name: 'tasks', settings: QUEUES.tasks, deadLetterQueue: 'tasks-dead-letters' },
  { name: 'events', settings: QUEUES.events, deadLetterQueue: 'events-dead-letters' },
];

/** What CloudFormation would name. */
export const REGION = 'us-east-1';
const UPLOAD_BUCKET = 'spotreel-uploads';
const PRODUCTION_BUCKET = 'spotreel-production';
const PLATFORM = 'local';
const WORKER_LOG_GROUP = 'workers';
const PARAMETERS = `/spotreel/${PLATFORM}`;

/** Seconds without a task after which a worker ends, as on AWS; the next upload starts another. */
const IDLE_SECONDS = 120;

/** Seconds after which a machine that still runs is ended, as on AWS by default. */
const MAX_LIFETIME_SECONDS = 24 * 3600;

export interface LocalOptions {
  /** Port of the pages; S3, SQS, EC2 and IoT take the next four. 0 takes free ones. */
  readonly port: number;
  /** Folder that keeps everything; made where it is missing. */
  readonly dataDir: string;
  /** Machines that may run at once. */
  readonly workers: number;
  /** Cores of each machine. @default every one that this machine has */
  readonly cores?: number;
  /** US dollars that machines may cost a day, as on AWS. @default as much as they do */
  readonly dailyCeiling?: number;
  /** What a machine runs, made of what it would: another kind of machine than a process. */
  readonly machine?: (worker: WorkerSpec) => WorkerSpec;
  /** Disturbs the services, for tests of the platform above them. */
  readonly faults?: FaultHooks;
  /** Hears what functions and workers ask of the services, and whether they may. */
  readonly onCall?: (call: RoleCall) => void;
}

export interface LocalPlatform {
  /** `http://localhost:8080` */
  readonly url: string;
  readonly s3Url: string;
  readonly sqsUrl: string;
  readonly ec2Url: string;
  /** The services themselves, for who looks into them or disturbs them. */
  readonly sqs: Sqs;
  readonly ec2: Ec2;
  /** Signs as the owner. */
  readonly s3: S3Client;
  readonly uploadBucket: string;
  readonly stores: Stores;
  /** Aborts when the platform begins to close. */
  readonly stopped: AbortSignal;
  /** Hands unfinished tasks back to the queue and ends every process. */
  close(): Promise<void>;
}

/** The one "instance type" of this machine. */
function launchTemplates(vcpus: number): LaunchTemplate[] {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
  const instanceTypes = [{ type: 'local.machine', vcpus }];
  return [{ architecture, launchTemplateId: 'lt-00000000000000000', version: '$Latest', instanceTypes }];
}

/** Starts the platform. Rejects where a port is taken, or another platform has the folder. */
export async function startLocalPlatform(options: LocalOptions): Promise<LocalPlatform> {
  const {
    port,
    dataDir,
    workers,
    machine = (worker) => worker,
    cores = availableParallelism(),
    dailyCeiling,
  } = options;
  const ceiling = dailyCeiling === undefined ? {} : { DAILY_CEILING: String(dailyCeiling) };
  const faults = options.faults && { faults: options.faults };
  const portOf = (service: keyof typeof PORT_DISTANCES) => (port === 0 ? 0 : port + PORT_DISTANCES[service]);
  const closers: (() => Promise<void>)[] = [];
  const stopped = new AbortController();
  const close = async () => {
    stopped.abort(new Error('The platform closes'));
    // Each needs those that were started before it.
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  const started = <T extends { close(): Promise<void> }>(service: T): T => {
    closers.push(() => service.close());
    return service;
  };

  try {
    await mkdir(dataDir, { recursive: true });
    started(await lockFolder(dataDir));
    const iam = openIam(options.onCall);
    const { authorize } = iam;
    const sqs = started(
      await startSqs({
        authorize,
        dataDir: join(dataDir, 'sqs'),
        port: portOf('sqs'),
        region: REGION,
        queues: QUEUES_HERE,
        ...faults,
      }),
    );
    const s3Server = started(
      await startS3({
        dataDir: join(dataDir, 's3'),
        port: portOf('s3'),
        region: REGION,
        incompleteUploadDays: INCOMPLETE_UPLOAD_DAYS,
        credentials: iam.credentials,
        authorize,
        buckets: [
          {
            name: UPLOAD_BUCKET,
            cors: UPLOAD_CORS,
            notifications: UPLOAD_NOTIFICATIONS,
            expiries: uploadExpiries(INCOMPLETE_UPLOAD_DAYS),
          },
          { name: PRODUCTION_BUCKET, cors: [], notifications: PRODUCTION_NOTIFICATIONS },
        ],
        notify: (queue, event) => sqs.send(queue, event),
        ...faults,
      }),
    );
    const logs = join(dataDir, 'logs');
    const ssm = started(
      await startSsm({ dataDir: join(dataDir, 'ssm'), port: 0, region: REGION, authorize }),
    );
    const xray = started(await startXray({ dataDir: join(dataDir, 'xray'), port: 0, authorize }));
    const live = { PLATFORM, PARAMETERS, LIVE_TOPICS: `spotreel/${PLATFORM}` };
    const store = started(
      await startKeyValueStore({ dataDir: join(dataDir, 'key-value-store'), port: 0, authorize }),
    );
    const keyValueStore = {
      KEY_VALUE_STORE: store.arn,
      AWS_ENDPOINT_URL_CLOUDFRONT_KEYVALUESTORE: store.url,
    };
    const iot = started(
      await startIot({
        port: portOf('iot'),
        region: REGION,
        authorize,
        authorizer: {
          entry: programFile('lambda/authorize-live.ts'),
          env: {
            AWS_REGION: REGION,
            ...keyEnvironment('authorize-live'),
            ...live,
            AWS_ENDPOINT_URL_SSM: ssm.url,
          },
          timeoutSeconds: AUTHORIZE_TIMEOUT_SECONDS,
          logFile: join(logs, 'authorize-live.log'),
        },
      }),
    );
    const endpoints = {
      PLATFORM,
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_S3: s3Server.url,
      AWS_ENDPOINT_URL_SQS: sqs.url,
      AWS_ENDPOINT_URL_IOT_DATA_PLANE: iot.url,
      LIVE_TOPICS: live.LIVE_TOPICS,
    };
    const s3 = new S3Client({
      region: REGION,
      endpoint: s3Server.url,
      forcePathStyle: true,
      credentials: OWNER,
    });
    const stores = {
      uploads: new ObjectStore(s3, UPLOAD_BUCKET),
      production: new ObjectStore(s3, PRODUCTION_BUCKET),
    };
    // A laptop's machines end with it, and its EC2 forgets them: those of an earlier start must not count as unlisted.
    await stores.uploads.delete(capacityKeys.launches);
    await stores.uploads.delete(LEDGER_KEY);

    const workerLogs = started(
      await startLogs({
        port: 0,
        region: REGION,
        folder: join(dataDir, 'worker-logs'),
        group: WORKER_LOG_GROUP,
        authorize,
      }),
    );

    let eventBridge: EventBridge | undefined; // its function needs EC2, so it starts later
    const ec2 = started(
      await startEc2({
        port: portOf('ec2'),
        region: REGION,
        maxInstances: workers,
        vcpusPerInstance: cores,
        credentials: iam.worker,
        authorize,
        worker: machine(
          workerOf(dataDir, {
            ...endpoints,
            UPLOADS_QUEUE_URL: sqs.queueUrl('uploads'),
            TASKS_QUEUE_URL: sqs.queueUrl('tasks'),
            AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: workerLogs.url,
            LOG_GROUP: WORKER_LOG_GROUP,
          }),
        ),
        tell: (event) => void eventBridge?.put(event),
        ...faults,
      }),
    );

    const lambdaEnv = {
      ...endpoints,
      UPLOAD_BUCKET,
      TASKS_QUEUE_URL: sqs.queueUrl('tasks'),
      ...ceiling,
    };
    // Lambda polls a function's queue with the function's role.
    const pollerOf = (role: Parameters<typeof functionKey>[0]) =>
      new SQSClient({ region: REGION, endpoint: sqs.url, credentials: functionKey(role) });
    const launcherOf = (role: 'dispatch' | 'sweep') => ({
      entry: programFile(`lambda/${role}.ts`),
      env: {
        ...lambdaEnv,
        AWS_ENDPOINT_URL_EC2: ec2.url,
        LAUNCH_TEMPLATES: JSON.stringify(launchTemplates(cores)),
        SUBNET_IDS: 'subnet-00000000000000000',
        MAX_VCPUS: String(workers * cores),
        MAX_ON_DEMAND_VCPUS: '0',
        // The machine is there and costs nothing more by use, so whatever waits gets every core at once.
        TARGET_SECONDS: '1',
        ...keyEnvironment(role),
      },
      timeoutSeconds: DISPATCH_TIMEOUT_SECONDS,
      logFile: join(logs, `${role}.log`),
    });
    started(
      await startEventSource({
        ...launcherOf('dispatch'),
        sqs: pollerOf('dispatch'),
        queueUrl: sqs.queueUrl('uploads'),
        region: REGION,
        // One person's uploads fill no batch: waiting for more would only make each later.
        batch: { ...DISPATCH_BATCH, windowSeconds: 0 },
      }),
    );
    for (const queue of ['tasks-dead-letters', 'uploads-dead-letters']) {
      started(
        await startEventSource({
          entry: programFile('lambda/bury.ts'),
          env: { ...lambdaEnv, PRODUCTION_BUCKET, ...keyEnvironment('bury') },
          timeoutSeconds: BURY_TIMEOUT_SECONDS,
          sqs: pollerOf('bury'),
          queueUrl: sqs.queueUrl(queue),
          region: REGION,
          batch: BURY_BATCH,
          logFile: join(logs, 'bury.log'),
        }),
      );
    }
    eventBridge = started(
      await startEventBridge({
        ...launcherOf('sweep'),
        region: REGION,
        everySeconds: SWEEP_MINUTES * 60,
        machineEvents: MACHINE_EVENTS,
      }),
    );
    started(
      await startEventBridge({
        entry: programFile('lambda/mend.ts'),
        env: {
          ...lambdaEnv,
          ...keyEnvironment('mend'),
          AWS_ENDPOINT_URL_EC2: ec2.url,
          PRODUCTION_BUCKET,
          UPLOADS_QUEUE_URL: sqs.queueUrl('uploads'),
          EVENTS_QUEUE_URL: sqs.queueUrl('events'),
          MAX_LIFETIME_SECONDS: String(MAX_LIFETIME_SECONDS),
          ...keyValueStore,
        },
        timeoutSeconds: MEND_TIMEOUT_SECONDS,
        region: REGION,
        everySeconds: MEND_MINUTES * 60,
        machineEvents: [],
        logFile: join(logs, 'mend.log'),
      }),
    );

    // Whoever builds a receiver runs it on this machine, too.
    const webhooks = { EVENTS_QUEUE_URL: sqs.queueUrl('events'), WEBHOOK_REACH: 'loopback' };
    const api = started(
      await startHttpFunction({
        entry: programFile('lambda/api.ts'),
        env: {
          ...lambdaEnv,
          ...keyEnvironment('api'),
          PRODUCTION_BUCKET,
          UPLOADS_QUEUE_URL: sqs.queueUrl('uploads'),
          // Nobody but this machine reaches it.
          ACCESS: 'open',
          AWS_ENDPOINT_URL_SSM: ssm.url,
          ...webhooks,
          ...live,
          ...keyValueStore,
          LIVE_URL: iot.mqttUrl,
        },
        timeoutSeconds: API_TIMEOUT_SECONDS,
        logFile: join(logs, 'api.log'),
      }),
    );
    const eventBus = started(
      await startEventBus({
        port: 0,
        region: REGION,
        authorize,
        send: (queue, event) => sqs.send(queue, event),
      }),
    );
    started(
      await startEventSource({
        entry: programFile('lambda/notify.ts'),
        env: {
          ...lambdaEnv,
          ...keyEnvironment('notify'),
          AWS_ENDPOINT_URL_SSM: ssm.url,
          AWS_ENDPOINT_URL_EVENTBRIDGE: eventBus.url,
          AWS_ENDPOINT_URL_XRAY: xray.url,
          PRODUCTION_BUCKET,
          ...webhooks,
          PARAMETERS,
          RETRY_SECONDS: JSON.stringify(WEBHOOK_RETRY_SECONDS),
        },
        timeoutSeconds: NOTIFY_TIMEOUT_SECONDS,
        sqs: pollerOf('notify'),
        queueUrl: sqs.queueUrl('events'),
        region: REGION,
        batch: NOTIFY_BATCH,
        logFile: join(logs, 'notify.log'),
      }),
    );
    const edge = started(
      await startEdge({
        port,
        s3,
        bucket: PRODUCTION_BUCKET,
        api: api.handle,
        store,
        connect: [s3Server.url, new URL(iot.mqttUrl).origin],
        metrics: async () =>
          metricsPage(
            await readMeasured(dataDir),
            queuesNow(sqs, QUEUES_HERE),
            await lastTraces(stores),
            Date.now(),
          ),
      }),
    );
    return {
      url: edge.url.replace('127.0.0.1', 'localhost'),
      s3Url: s3Server.url,
      sqsUrl: sqs.url,
      ec2Url: ec2.url,
      sqs,
      ec2,
      s3,
      uploadBucket: UPLOAD_BUCKET,
      stores,
      stopped: stopped.signal,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a machine runs, as `bootstrap.sh` does on AWS. */
function workerOf(dataDir: string, env: Readonly<Record<string, string>>): WorkerSpec {
  return {
    command: process.execPath,
    args: [programFile('worker-scripts/worker.ts')],
    env: {
      ...env,
      UPLOAD_BUCKET,
      PRODUCTION_BUCKET,
      IDLE_SECONDS: String(IDLE_SECONDS),
      SCRATCH_DIR: join(dataDir, 'scratch'),
    },
    logDir: join(dataDir, 'logs'),
  };
}
