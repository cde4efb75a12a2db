/** The worker's entry: started by systemd on an instance (bootstrap.sh), ends when there is nothing left to do. */
import { mkdir } from 'node:fs/promises';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { resolve } from 'node:path';
import { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { IotAnnouncer } from '../jobs/announcer.ts';
import { parseEnvironment, workerEnvironmentSchema } from '../jobs/environment.ts';
import { log, logAlways, onLogLine } from '../jobs/log.ts';
import { logMetrics } from '../jobs/metrics.ts';
import { cameUp } from '../jobs/starts.ts';
import { ObjectStore } from '../jobs/store.ts';
import { openCage } from './cage/cage.ts';
import { startHeartbeat } from './heartbeat.ts';
import { LiveProgress } from './live-progress.ts';
import { LogShipper } from './log-shipper.ts';
import { Memory } from './memory.ts';
import { InstanceMetadata, METADATA_ENDPOINT } from './metadata.ts';
import { machinePrice } from './price.ts';
import { SourceProxy } from './source-proxy.ts';
import { watchForNotice } from './spot-notice.ts';
import { TaskLoop } from './task-loop.ts';

/** What a worker that is told to go may take at most: what hangs until then is left hanging. */
const STOP_LIMIT_MS = 8000;
/** Milliseconds that its last lines may then take to CloudWatch: the way there may be what hangs. */
const LAST_LINES_MS = 2000;

const environment = parseEnvironment(workerEnvironmentSchema, process.env);
const s3 = new S3Client({});
const uploads = new ObjectStore(s3, environment.UPLOAD_BUCKET);
const production = new ObjectStore(s3, environment.PRODUCTION_BUCKET);
// The AWS SDK's own variable.
const metadata = new InstanceMetadata(process.env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? METADATA_ENDPOINT);
// On no machine of EC2, or one that does not answer, a name that is nobody else's.
const [worker = `${hostname()}-${process.pid}`, launchedAt] = await Promise.all([
  metadata.read('instance-id').catch(() => undefined),
  metadata.launchedAt().catch(() => undefined),
]);
logAlways({ platform: environment.PLATFORM, worker });
const shipper = new LogShipper(new CloudWatchLogsClient({}), environment.LOG_GROUP, worker);
onLogLine((line) => shipper.add(line));
// One thread an encoder: as many tasks at once as there are cores (ENCODING.md, "Where the CPU goes").
const slots = availableParallelism();

const price = await machinePrice(
  { metadata, ec2: new EC2Client({}), vcpus: slots, diskGigabytes: environment.DISK_GIGABYTES },
  environment.PRICES,
);

const scratchDir = resolve(environment.SCRATCH_DIR);
await mkdir(scratchDir, { recursive: true });
const proxy = await SourceProxy.start(s3);
const cage = await openCage(proxy.port).then(
  (server) => {
    proxy.alsoOn(server);
    return 'closed';
  },
  async (error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    if (environment.CAGE !== 'required') return `none: ${reason}`;
    // The next machine will not have one either: its owner must hear of it.
    logMetrics('error', 'worker-without-cage', { reason }, { LaunchErrors: 1 });
    await shipper.close();
    throw error;
  },
);
const announcer = new IotAnnouncer(new IoTDataPlaneClient({}), environment.LIVE_TOPICS);
const loop = new TaskLoop(
  {
    uploads,
    production,
    sqs: new SQSClient({}),
    uploadsQueueUrl: environment.UPLOADS_QUEUE_URL,
    tasksQueueUrl: environment.TASKS_QUEUE_URL,
    proxy,
    scratchDir,
    memory: new Memory(totalmem()),
    worker,
    price,
    born: { workerStartedAt: new Date().toISOString(), ...(launchedAt !== undefined && { launchedAt }) },
    announcer,
    live: new LiveProgress(announcer, { uploads, production }, slots),
  },
  { slots, idleSeconds: environment.IDLE_SECONDS },
);

/** The one way to go before the work is done, whoever asks for it. */
function stop(reason: string): void {
  log('warn', 'worker-stopping', { reason, tasksInHand: loop.tasksInHand });
  loop.stop(reason);
  setTimeout(() => {
    log('error', 'worker-stopped-late', { tasksInHand: loop.tasksInHand });
    setTimeout(() => process.exit(1), LAST_LINES_MS);
    void shipper.close().finally(() => process.exit(1));
  }, STOP_LIMIT_MS).unref();
}
process.once('SIGTERM', () => stop('the worker was asked to end'));
process.once('SIGINT', () => stop('the worker was interrupted'));
const watching = new AbortController();
void watchForNotice(metadata, watching.signal).then((notice) => {
  if (notice !== undefined) stop(`EC2 takes the machine back: ${notice}`);
});

log('info', 'worker-started', { slots, price, cage });
void cameUp(uploads);
const heartbeat = startHeartbeat(uploads, worker, () => loop.tasksInHand);
await loop.run().catch(async (error: unknown) => {
  log('error', 'worker-failed', { error: String(error) });
  await shipper.close();
  throw error;
});
watching.abort();
proxy.close();
await announcer.settled();
await heartbeat.stop();
log('info', 'worker-ended');
await shipper.close();
