/**
 * The user data: rendered, it is byte for byte `golden/user-data.sh`; after a change of `bootstrap.sh` or `install.sh`, read
 * what `UPDATE_GOLDEN=1 npm run jest -- test/lib/user-data.test.ts` makes of that file.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { Duration } from 'aws-cdk-lib';
import { z } from 'zod';
import { parseEnvironment, workerEnvironmentSchema } from '../../jobs/environment.ts';
import {
  environmentFile,
  fillIn,
  installationOf,
  renderBake,
  renderUserData,
  USER_DATA_LIMIT_BYTES,
} from '../../lib/user-data.ts';
import { spell, synthesize } from './support/template.ts';

const GOLDEN = fileURLToPath(new URL('golden/user-data.sh', import.meta.url));

const INSTALLED = {
  REGION: 'eu-central-1',
  WORKER_URL: 'https://s3.eu-central-1.amazonaws.com/assets/worker.mjs',
  NODE_URL: 'https://s3.eu-central-1.amazonaws.com/assets/node.tgz',
  NODE_SHA256: '0'.repeat(64),
  SPEECH_PACKAGES: 'pocketsphinx pocketsphinx-en-us',
};
const INSTALLATION = installationOf(INSTALLED);
const EXAMPLE = renderUserData(INSTALLATION, {
  MAX_LIFETIME_SECONDS: '86400',
  WORKER_ENVIRONMENT: environmentFile({ UPLOAD_BUCKET: 'uploads', AWS_REGION: 'eu-central-1' }),
});

/** The user data of both launch templates, by architecture, references spelled out. */
const rendered = new Map(
  synthesize({ idleSeconds: 45, maxLifetime: Duration.hours(3) })
    .filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate')
    .map(({ id, Properties }) => [
      id.includes('arm64') ? 'arm64' : 'x86_64',
      z.object({ LaunchTemplateData: z.object({ UserData: z.string() }) }).parse(spell(Properties))
        .LaunchTemplateData.UserData,
    ]),
);
const arm64 = rendered.get('arm64') ?? '';

describe('rendering', () => {
  test('gives the golden file', () => {
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(GOLDEN, EXAMPLE);
    expect(EXAMPLE).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  test('refuses a placeholder without a value', () => {
    expect(() => fillIn('a=@@A@@ b=@@B@@', { A: '1' })).toThrow('asks for @@B@@');
  });

  test('refuses a value without a placeholder', () => {
    expect(() => fillIn('a=@@A@@', { A: '1', B: '2' })).toThrow('no @@B@@');
  });

  test.each([["it's"], ['two\nlines']])(
    'refuses a variable that systemd would read otherwise: %j',
    (value) => {
      expect(() => environmentFile({ NAME: value })).toThrow('NAME holds a quote or a line break');
    },
  );
});

describe('in the launch templates', () => {
  test('is within EC2’s 16 KB, with room for long names in place of references', () => {
    for (const text of rendered.values())
      expect(Buffer.byteLength(text) + 2048).toBeLessThan(USER_DATA_LIMIT_BYTES);
  });

  test('has nothing left to fill in', () => {
    for (const text of rendered.values()) expect(text).not.toContain('@@');
  });

  test('differs between the architectures in Node alone', () => {
    const x86 = (rendered.get('x86_64') ?? '').split('\n');
    const differing = arm64.split('\n').filter((line, index) => line !== x86[index]);
    expect(differing).toEqual([
      expect.stringContaining('/node.tgz"'),
      expect.stringContaining('sha256sum --check'),
      expect.stringContaining('/opt/spotreel/baked-'),
    ]);
  });

  test('tells the worker what it reads, with the stack’s settings', () => {
    const lines = /<<'ENVIRONMENT'\n([\s\S]*?)\nENVIRONMENT\n/.exec(arm64)?.[1]?.split('\n') ?? [];
    const variables = Object.fromEntries(lines.map((line) => /^(\w+)='(.*)'$/.exec(line)?.slice(1) ?? []));
    expect(Object.keys(variables).sort()).toEqual(
      [...Object.keys(workerEnvironmentSchema.shape), 'AWS_REGION'].sort(),
    );
    expect(
      parseEnvironment(workerEnvironmentSchema, {
        ...variables,
        UPLOADS_QUEUE_URL: 'https://sqs.example/uploads',
        TASKS_QUEUE_URL: 'https://sqs.example/tasks',
      }),
    ).toMatchObject({ IDLE_SECONDS: 45, CAGE: 'required' });
    expect(arm64).toContain('--on-active=10800s');
  });
});

describe('an image', () => {
  const bake = renderBake(INSTALLATION);

  test('and a boot install the same, by the same lines', () => {
    for (const text of [bake, EXAMPLE]) expect(text).toContain(INSTALLATION.script);
  });

  test('has nothing of the worker’s environment, and starts no worker', () => {
    for (const text of ['worker.env <<', 'UPLOAD_BUCKET', 'systemctl start', 'swapon']) {
      expect(bake).not.toContain(text);
      expect(EXAMPLE).toContain(text);
    }
  });

  test.each(Object.keys(INSTALLED))('is another where %s is', (name) => {
    expect(installationOf({ ...INSTALLED, [name]: 'other' }).hash).not.toBe(INSTALLATION.hash);
  });

  test('is known by the file that baking leaves', () => {
    const stamp = /touch '(.*)'/.exec(bake)?.[1];
    expect(stamp).toContain(INSTALLATION.hash);
    expect(EXAMPLE).toContain(`find '${stamp}'`);
  });
});

interface Boot {
  /** What it called, in order. */
  readonly calls: string[];
  readonly status: number | null;
}

/**
 * Runs the example with stand-ins for the programs that would change this machine: each notes how it was called.
 * `apt-get` and `mkdir` fail, so that nothing after them runs.
 * @param bakedDaysAgo of the machine's image
 */
function bootWhereNothingCanBeWritten(bakedDaysAgo?: number): Boot {
  const folder = mkdtempSync(join(tmpdir(), 'spotreel-boot-'));
  try {
    const log = join(folder, 'calls');
    for (const program of [
      'systemd-run',
      'systemctl',
      'debconf-set-selections',
      'apt-get',
      'mkdir',
      'sleep',
      'timeout',
    ]) {
      const file = join(folder, program);
      const status = ['apt-get', 'timeout', 'mkdir'].includes(program) ? 100 : 0;
      // A reader that ends before it has read breaks the pipe, and `pipefail` the boot. The others' standard input
      // is the script itself.
      const read = program === 'debconf-set-selections' ? 'cat >/dev/null\n' : '';
      writeFileSync(file, `#!/bin/bash\necho "${program} $*" >>'${log}'\n${read}exit ${status}\n`);
      chmodSync(file, 0o755);
    }
    const stamp = join(folder, 'baked');
    if (bakedDaysAgo !== undefined) {
      const then = Date.now() / 1000 - bakedDaysAgo * 86_400;
      writeFileSync(stamp, '');
      utimesSync(stamp, then, then);
    }
    const { status } = spawnSync('bash', ['-s'], {
      input: EXAMPLE.replace(`/opt/spotreel/baked-${INSTALLATION.hash}`, stamp),
      env: { PATH: `${folder}:/usr/bin:/bin` },
    });
    return { calls: readFileSync(log, 'utf8').trimEnd().split('\n'), status };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('a boot that cannot finish', () => {
  const { calls, status } = bootWhereNothingCanBeWritten();

  test('has set its hard end before anything else', () => {
    expect(calls[0]).toBe(
      'systemd-run --quiet --unit=spotreel-lifetime --on-active=86400s systemctl poweroff',
    );
  });

  test('tries five times, then powers off', () => {
    expect(calls.filter((call) => /^timeout .*apt-get .* update$/.test(call))).toHaveLength(5);
    expect(calls.at(-1)).toBe('systemctl poweroff');
    expect(status).not.toBe(0);
  });
});

test.each([
  ['a plain one', undefined, true],
  ['baked a minute ago', 1 / 1440, false],
  ['baked 29 days ago', 29, false],
  ['baked 31 days ago, and without the fixes since', 31, true],
])('whether a machine installs, whose image is %s', (_, bakedDaysAgo, installs) => {
  const { calls } = bootWhereNothingCanBeWritten(bakedDaysAgo);
  expect(calls.some((call) => call.includes('apt-get'))).toBe(installs);
  expect(calls.includes('mkdir -p /etc/spotreel')).toBe(!installs);
});

test('the machine powers off whichever way the worker ends', () => {
  const unit = /<<UNIT\n([\s\S]*?)\nUNIT\n/.exec(EXAMPLE)?.[1]?.split('\n') ?? [];
  expect(unit).toEqual(expect.arrayContaining(['SuccessAction=poweroff', 'FailureAction=poweroff']));
  expect(unit.filter((line) => line.startsWith('Restart='))).toEqual([]);
});
