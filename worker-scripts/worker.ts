/** The worker's entry: started by systemd on an instance (bootstrap.sh), ends when there is nothing left to do. */
import { mkdir } from 'node:fs/promises';
import { availableParallelism, hostname } from 'node:os';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { parseEnvironment, workerEnvironmentSchema } from '../jobs/environment.ts';
import { log } from '../jobs/log.ts';
import { ObjectStore } from '../jobs/store.ts';
import { SourceProxy } from './source-proxy.ts';
import { TaskLoop } from './task-loop.ts';

const environment = parseEnvironment(workerEnvironmentSchema, process.env);
const s3 = new S3Client({});
const worker = `${hostname()}-${process.pid}`;
// One thread an encoder: as many tasks at once as there are cores (ENCODING.md, "Where the CPU goes").
const slots = availableParallelism();

await mkdir(environment.SCRATCH_DIR, { recursive: true });
const proxy = await SourceProxy.start(s3);
const loop = new TaskLoop(
  {
    uploads: new ObjectStore(s3, environment.UPLOAD_BUCKET),
    production: new ObjectStore(s3, environment.PRODUCTION_BUCKET),
    sqs: new SQSClient({}),
    tasksQueueUrl: environment.TASKS_QUEUE_URL,
    proxy,
    scratchDir: environment.SCRATCH_DIR,
    worker,
  },
  { slots, idleSeconds: environment.IDLE_SECONDS },
);
process.once('SIGTERM', () => loop.stop('the worker was asked to end'));
process.once('SIGINT', () => loop.stop('the worker was interrupted'));

log('info', 'worker-started', { worker, slots });
await loop.run();
proxy.close();
log('info', 'worker-ended', { worker });
