/** What machines here install: the real packages, Node and worker. */
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Installation, installationOf } from '../../lib/user-data.ts';
import { bundleWorker, NODE_PACKAGES, nodeTarball } from '../../lib/worker-bundle.ts';

const ARCHITECTURE = process.arch === 'arm64' ? 'arm64' : 'x86_64';

export interface Assets {
  readonly url: string;
  readonly close: () => void;
}

/** Serves what CDK's bucket of assets has: the worker, and its Node. */
export async function serveAssets(): Promise<Assets> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-assets-'));
  bundleWorker(join(folder, 'worker.mjs'));
  const files: Readonly<Record<string, Buffer>> = {
    '/worker.mjs': await readFile(join(folder, 'worker.mjs')),
    '/node.tgz': await readFile(nodeTarball(ARCHITECTURE)),
  };
  await rm(folder, { recursive: true });
  const server = createServer((request, response) => {
    const file = files[request.url ?? ''];
    response.writeHead(file ? 200 : 404).end(file);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** @param assets URL at which they are served */
export const installationFrom = (assets: string, region: string): Installation =>
  installationOf({
    REGION: region,
    WORKER_URL: `${assets}/worker.mjs`,
    NODE_URL: `${assets}/node.tgz`,
    NODE_SHA256: NODE_PACKAGES[ARCHITECTURE].sha256,
    SPEECH_PACKAGES: '',
  });
