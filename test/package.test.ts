/** What `npm pack` gives works on a machine that has neither the repository nor its development tools. */
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { type Installed, installed } from './support/installed.ts';
import { ffmpeg } from './support/media.ts';

/** Twice of what it has: something that does not belong into it would be seen. */
const MAX_PACKED_BYTES = 2_000_000;

const CLI = 'node_modules/spotreel/dist/cli/spotreel.js';
const TSC = 'node_modules/typescript/bin/tsc';

let home: Installed;
beforeAll(async () => {
  home = await installed();
});
afterAll(() => home?.remove());

test('holds the built program and its documents, and nothing else', () => {
  const rooms = new Set(
    home.files.map((path) =>
      path
        .split('/')
        .slice(0, path.startsWith('dist/') ? 2 : 1)
        .join('/'),
    ),
  );
  expect([...rooms].sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    ...[
      'api',
      'bin',
      'cdk.json',
      'check',
      'cli',
      'jobs',
      'lambda',
      'lib',
      'local',
      'video',
      'web',
      'worker-scripts',
    ].map((room) => `dist/${room}`),
    'docs',
    'package.json',
  ]);
  expect(home.files.filter((path) => /^dist.*(?<!\.d)\.ts$/.test(path))).toEqual([]);
  expect(home.size).toBeLessThan(MAX_PACKED_BYTES);
});

test('the command line runs', () => {
  expect(home.node(CLI, '--help')).toContain('A video platform that you own.');
});

test('the platform runs whole: a film is uploaded, encoded and ready', async () => {
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=160x120:rate=25:duration=2',
    join(home.folder, 'film.mp4'),
  );
  const line = home.node(CLI, 'local', '--once', '--json', '--port', '0', 'film.mp4');
  expect(JSON.parse(line)).toMatchObject({ state: 'ready', title: 'film.mp4' });
});

test.each([
  ['the client', 'spotreel/client', ['SpotreelClient', 'ApiError', 'ConnectionError', 'UploadError']],
  ['following', 'spotreel/client/live', ['follow']],
  ['the construct', 'spotreel', ['Spotreel', 'SpotreelStack', 'propsFromContext']],
])('%s is imported as %s', (_, name, expected) => {
  const printed = home.node(
    '--input-type=module',
    '--eval',
    `console.log(Object.keys(await import('${name}')).join())`,
  );
  expect(printed.trim().split(',')).toEqual(expect.arrayContaining(expected));
});

test('client and construct are typed', async () => {
  await home.add('typescript', '@types/node');
  await writeFile(
    join(home.folder, 'typed.mts'),
    `import { Stack } from 'aws-cdk-lib';
    import { Spotreel } from 'spotreel';
    import { SpotreelClient } from 'spotreel/client';
    import { follow } from 'spotreel/client/live';
    export const domain: string = new Spotreel(new Stack(), 'Video', { maxVcpus: 64 }).playbackDomain;
    // @ts-expect-error: a number
    new Spotreel(new Stack(), 'Video', { maxVcpus: '64' });
    const client = new SpotreelClient({ url: 'https://video.example.org', token: 'spr_x' });
    for await (const { id, title } of client.eachVideo({ state: 'ready' })) console.log(id.length, title.length);
    // @ts-expect-error: no field of a video
    (await client.showVideo('x')).nothing;
    follow(client, { onState: ({ id, percent }) => console.log(id, percent) });
    `,
  );
  const options = ['--strict', '--module', 'nodenext', '--target', 'es2024', '--types', 'node'];
  expect(home.node(TSC, '--noEmit', ...options, 'typed.mts')).toBe('');
});

test('the construct is synthesized with everything that it deploys', async () => {
  await writeFile(
    join(home.folder, 'app.mjs'),
    `import { App, Stack } from 'aws-cdk-lib';
    import { Spotreel } from 'spotreel';
    const app = new App({ outdir: 'cdk.out', analyticsReporting: false });
    new Spotreel(new Stack(app, 'Films'), 'Video', { architectures: ['arm64'] });
    app.synth();`,
  );
  home.node('app.mjs');
  const assets = z
    .object({
      files: z.record(
        z.string(),
        z.object({ displayName: z.string(), source: z.object({ path: z.string() }) }),
      ),
    })
    .parse(JSON.parse(await readFile(join(home.folder, 'cdk.out/Films.assets.json'), 'utf8')));
  const contentsOf = async (name: string) => {
    const found = Object.values(assets.files).find(({ displayName }) => displayName === `Video/${name}`);
    return readdir(join(home.folder, 'cdk.out', found?.source.path ?? name));
  };
  expect(await contentsOf('Dispatch/Launcher/Function/Handler/Code')).toEqual(['index.mjs']);
  expect(await contentsOf('Pages/Files')).toEqual(
    expect.arrayContaining(['index.html', 'watch.html', 'embed.html']),
  );
});

/** Copies an example to where the package is. The repository's links stay there: what a stranger has installed. */
const example = (name: string) =>
  cp(join(import.meta.dirname, '../examples', name), home.folder, { recursive: true, force: true });

test('examples/cdk-app is typed and synthesized: two stacks of its own', async () => {
  await home.add('@types/node', 'typescript');
  await example('cdk-app');
  expect(home.node(TSC, '--project', 'tsconfig.json')).toBe('');
  home.node('node_modules/aws-cdk/bin/cdk', 'synth', '--quiet', '--output', 'films.out');
  expect(await readdir(join(home.folder, 'films.out'))).toEqual(
    expect.arrayContaining(['Films.template.json', 'FilmsState.template.json']),
  );
});

test('examples/next-upload is typed and built', async () => {
  await home.add('next', 'react', 'react-dom', '@types/react', '@types/react-dom');
  await example('next-upload');
  // Of Next's two bundlers Turbopack refuses links to other folders, which is how this test installs.
  const printed = home.node('node_modules/next/dist/bin/next', 'build', '--webpack');
  expect(printed).toContain('/api/upload-token');
  expect(home.node(TSC, '--project', 'tsconfig.json')).toBe('');
});
