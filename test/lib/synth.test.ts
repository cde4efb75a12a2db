/**
 * The real thing: the app as `cdk synth` runs it, with every asset made, on a machine that knows no AWS account.
 * Node for both architectures comes from the npm registry the first time (50 MB each), later from ~/.cache/spotreel.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { NODE_VERSION } from '../../lib/worker-bundle.ts';
import { webFiles } from '../../web/files.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const outdir = mkdtempSync(join(tmpdir(), 'spotreel-synth-'));
afterAll(() => rmSync(outdir, { recursive: true }));

/** What the CDK CLI does: it hands over cdk.json's context and a folder. */
const app = spawnSync(process.execPath, ['bin/spotreel.ts'], {
  cwd: ROOT,
  encoding: 'utf8',
  env: {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|CDK)_/.test(name))),
    AWS_EC2_METADATA_DISABLED: 'true',
    CDK_OUTDIR: outdir,
    CDK_CONTEXT_JSON: JSON.stringify(
      z.object({ context: z.unknown() }).parse(JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8')))
        .context,
    ),
  },
});

const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({ displayName: z.string(), source: z.object({ path: z.string(), packaging: z.string() }) }),
  ),
});
const assets = () =>
  Object.values(
    assetsSchema.parse(JSON.parse(readFileSync(join(outdir, 'Spotreel.assets.json'), 'utf8'))).files,
  );
const asset = (name: string) => {
  const found = assets().find(({ displayName }) => displayName.includes(name));
  if (!found) throw new Error(`no asset ${name} among ${assets().map(({ displayName }) => displayName)}`);
  return { path: join(outdir, found.source.path), packaging: found.source.packaging };
};

test('synthesizes without credentials or warnings', () => {
  expect([app.status, app.stderr.split('\n').filter((line) => /warning|error/i.test(line))]).toEqual([0, []]);
  const { artifacts } = z
    .object({ artifacts: z.record(z.string(), z.object({ environment: z.string().optional() })) })
    .parse(JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8')));
  expect(artifacts['Spotreel']?.environment).toBe('aws://unknown-account/unknown-region');
});

test('asks the account nothing: there is no lookup to be made', () => {
  expect(
    z
      .object({ missing: z.array(z.unknown()).optional() })
      .parse(JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8'))).missing ?? [],
  ).toEqual([]);
});

describe('the worker’s assets', () => {
  test('the program is one module that Node can parse, and needs no other file', () => {
    const { path, packaging } = asset('Workers/Program');
    expect([path.endsWith('.mjs'), packaging]).toEqual([true, 'file']);
    expect(spawnSync(process.execPath, ['--check', path]).status).toBe(0);
    const imports = [...readFileSync(path, 'utf8').matchAll(/^import .* from "(.*)";$/gm)].map(
      ([, name]) => name,
    );
    expect(imports.filter((name) => !/^(node:)?[a-z_/0-9]+$/.test(name ?? ''))).toEqual([]);
  });

  test('the program, started without its environment, says what it misses', () => {
    const { stderr } = spawnSync(process.execPath, [asset('Workers/Program').path], {
      encoding: 'utf8',
      env: {},
    });
    expect(stderr).toContain('The environment is not usable: PLATFORM');
  });

  test.each(['arm64', 'x86_64'])(
    'Node for %s is npm’s package, as the user data checks it',
    (architecture) => {
      const { path, packaging } = asset(`Workers/Node-${architecture}`);
      expect([path.endsWith('.tgz'), packaging]).toEqual([true, 'file']);
      const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
      expect(readFileSync(join(outdir, 'Spotreel.template.json'), 'utf8')).toContain(
        `${sha256}  $HOME_DIR/node.tgz`,
      );
    },
  );

  test('Node is the version that this repository is tested with', () => {
    expect(NODE_VERSION).toBe(
      z.object({ version: z.string() }).parse(createRequire(import.meta.url)('node/package.json')).version,
    );
  });
});

test.each(['Dispatch/Launcher', 'Sweep/Launcher', 'Bury', 'Notify', 'Api'])(
  '%s is one module that exports its handler',
  (name) => {
    const code = readFileSync(join(asset(`${name}/Function/Handler/Code`).path, 'index.mjs'), 'utf8');
    expect(code).toMatch(/export\{[\w$]+ as handler\}/);
  },
);

test('the API, as it is deployed, answers an event of API Gateway', () => {
  const file = join(asset('Api/Function/Handler/Code').path, 'index.mjs');
  const event = {
    version: '2.0',
    rawPath: '/api/health',
    rawQueryString: '',
    headers: { host: 'example.org' },
    requestContext: { http: { method: 'GET', path: '/api/health' }, domainName: 'example.org' },
    isBase64Encoded: false,
  };
  const context = `{ awsRequestId: 'r', getRemainingTimeInMillis: () => 30_000 }`;
  const program = `const { handler } = await import(${JSON.stringify(file)});
    console.log(JSON.stringify(await handler(${JSON.stringify(event)}, ${context})));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env: {
      AWS_REGION: 'eu-central-1',
      UPLOAD_BUCKET: 'uploads',
      PRODUCTION_BUCKET: 'production',
      UPLOADS_QUEUE_URL: 'https://sqs.example/uploads',
      EVENTS_QUEUE_URL: 'https://sqs.example/events',
      WEBHOOK_REACH: 'public',
      ACCESS: 'tokens',
      PLATFORM: 'test',
      PARAMETERS: '/spotreel/test',
      LIVE_TOPICS: 'spotreel/test',
      LIVE_URL: 'wss://iot.example/mqtt',
      KEY_VALUE_STORE: 'arn:aws:cloudfront::111122223333:key-value-store/0a1b',
    },
  });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({ statusCode: 200, body: '{"status":"ok"}' });
});

test('every page is there under the path of its URL', () => {
  for (const { path, file } of webFiles()) {
    const copy = join(asset('Pages/Files').path, path);
    expect([path, existsSync(copy) && readFileSync(copy).equals(readFileSync(file))]).toEqual([path, true]);
  }
});
