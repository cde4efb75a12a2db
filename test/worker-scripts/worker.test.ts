/** A worker that may not go without a cage, on a machine that has none. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json, text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { z } from 'zod';

const WORKER = fileURLToPath(new URL('../../worker-scripts/worker.ts', import.meta.url));
const putSchema = z.object({ logEvents: z.array(z.object({ message: z.string() })) });

test('it says so where the owner hears of it, and ends', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-worker-'));
  const shipped: string[] = [];
  // It is CloudWatch Logs, and a metadata endpoint that knows nothing.
  const server = createServer(async (request, response) => {
    if (`${request.headers['x-amz-target']}`.endsWith('.PutLogEvents'))
      shipped.push(...putSchema.parse(await json(request)).logEvents.map(({ message }) => message));
    response.writeHead(request.method === 'POST' ? 200 : 404).end('{}');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
  const worker = spawn(process.execPath, [WORKER], {
    env: {
      // Without bubblewrap there is no cage, whatever the kernel allows.
      PATH: folder,
      AWS_REGION: 'eu-central-1',
      AWS_ACCESS_KEY_ID: 'a',
      AWS_SECRET_ACCESS_KEY: 'b',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: url,
      PLATFORM: 'spotreel',
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: url,
      LOG_GROUP: 'workers',
      UPLOAD_BUCKET: 'uploads',
      PRODUCTION_BUCKET: 'production',
      UPLOADS_QUEUE_URL: `${url}/uploads`,
      TASKS_QUEUE_URL: `${url}/tasks`,
      SCRATCH_DIR: join(folder, 'scratch'),
      LIVE_TOPICS: 'spotreel',
      CAGE: 'required',
    },
  });
  try {
    const [[code], output] = await Promise.all([once(worker, 'close'), text(worker.stdout)]);
    expect(code).toBe(1);
    expect(output).not.toContain('worker-started');
    const said = shipped.map((line) => JSON.parse(line)).find(({ event }) => event === 'worker-without-cage');
    expect(said).toMatchObject({ level: 'error', reason: expect.stringMatching(/./), LaunchErrors: 1 });
  } finally {
    worker.kill('SIGKILL');
    server.close();
    await rm(folder, { recursive: true });
  }
});
