/** How bootstrap.sh fetches its assets: the role's credentials from instance metadata, signed GETs of S3. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startS3 } from '../../local/s3/server.ts';

const REGION = 'eu-central-1';
/** With the signs of real secrets that mean something in URLs. */
const ROLE = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'se/cret+%=', sessionToken: 'to/ken+%==' };
const { accessKeyId, ...secrets } = ROLE;

const folder = mkdtempSync(join(tmpdir(), 'spotreel-download-'));
const s3 = await startS3({
  dataDir: join(folder, 's3'),
  port: 0,
  incompleteUploadDays: 1,
  region: REGION,
  credentials: (id) => (id === accessKeyId ? secrets : undefined),
  buckets: [{ name: 'assets', cors: [], notifications: [] }],
  notify: async () => {},
});

/** Instance metadata, version 2: nothing without the token that a PUT gives. */
const metadata = createServer(({ method, url, headers }, response) => {
  if (method === 'PUT' && url === '/latest/api/token') return response.end('session');
  if (headers['x-aws-ec2-metadata-token'] !== 'session') return response.writeHead(401).end();
  if (url === '/latest/meta-data/iam/security-credentials/') return response.end('worker-role');
  if (url !== '/latest/meta-data/iam/security-credentials/worker-role') return response.writeHead(404).end();
  const { secretAccessKey, sessionToken } = secrets;
  const answer = {
    Code: 'Success',
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    Token: sessionToken,
  };
  return response.end(JSON.stringify(answer, null, 2));
});

beforeAll(async () => {
  await once(metadata.listen(0, '127.0.0.1'), 'listening');
  const client = new S3Client({ endpoint: s3.url, region: REGION, forcePathStyle: true, credentials: ROLE });
  await client.send(new PutObjectCommand({ Bucket: 'assets', Key: 'node.tgz', Body: 'the very bytes' }));
  client.destroy();
});
afterAll(async () => {
  metadata.close();
  await s3.close();
  rmSync(folder, { recursive: true });
});

/** The functions of the golden user data, which is of this region, against the servers above; then `commands`. */
async function inBootstrap(commands: string): Promise<number | null> {
  const golden = readFileSync(new URL('golden/user-data.sh', import.meta.url), 'utf8');
  const functions = golden.slice(golden.indexOf('readonly HOME_DIR'), golden.indexOf('install_worker() {'));
  // A TCP server that listens has an address object, and `beforeAll` saw it listen.
  const { port } = metadata.address() as AddressInfo;
  const script = `set -Eeuo pipefail\n${functions.replace('169.254.169.254', `127.0.0.1:${port}`)}\n${commands}`;
  const child = spawn('bash', ['-c', script], { stdio: 'ignore' });
  const [status] = await once(child, 'exit');
  return status;
}

test('an asset arrives whole', async () => {
  const file = join(folder, 'node.tgz');
  expect(await inBootstrap(`read_credentials\ndownload '${s3.url}/assets/node.tgz' '${file}'`)).toBe(0);
  expect(readFileSync(file, 'utf8')).toBe('the very bytes');
});

test.each([
  ['an asset that is not there', '/assets/absent.tgz', ''],
  ['credentials that S3 refuses', '/assets/node.tgz', 'SECRET_KEY=wrong'],
])('%s ends the boot', async (_, path, spoil) => {
  const commands = `read_credentials\n${spoil}\ndownload '${s3.url}${path}' '${join(folder, 'refused')}'`;
  expect(await inBootstrap(commands)).not.toBe(0);
});
