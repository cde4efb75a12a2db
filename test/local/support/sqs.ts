/** What the tests of the SQS emulator share. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { FaultHooks } from '../../../local/faults/hooks.ts';
import { type Sqs, type SqsOptions, startSqs } from '../../../local/sqs/sqs.ts';

export const REGION = 'eu-test-1';
export const CREDENTIALS = { accessKeyId: 'test', secretAccessKey: 'test' };

/** A queue that hides messages long enough for no test to see it end, unless it is told otherwise. */
export const SETTINGS = {
  visibilityTimeoutSeconds: 60,
  maxReceiveCount: 3,
  retentionSeconds: 3600,
  receiveWaitSeconds: 0,
};

export interface Bench {
  readonly sqs: Sqs;
  readonly client: SQSClient;
  readonly dataDir: string;
  close(): Promise<void>;
}

/** SQS in a directory of its own, with a client that fails at the first error. */
export async function openBench(
  queues: SqsOptions['queues'] = [],
  port = 0,
  faults?: FaultHooks,
): Promise<Bench> {
  const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-sqs-'));
  const sqs = await startSqs({ dataDir, port, region: REGION, queues, ...(faults && { faults }) });
  const client = newClient(sqs.url);
  return {
    sqs,
    client,
    dataDir,
    async close() {
      client.destroy();
      await sqs.close();
      await rm(dataDir, { recursive: true });
    },
  };
}

export function newClient(endpoint: string): SQSClient {
  return new SQSClient({ endpoint, region: REGION, credentials: CREDENTIALS, maxAttempts: 1 });
}
