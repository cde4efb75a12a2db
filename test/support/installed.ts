/** The package as a stranger has it: packed by npm, unpacked outside the repository, beside what its manifest names. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const exec = promisify(execFile);

/** Programs report to nobody. CDK and Next may not look for news, either. */
const QUIET = { ...process.env, NEXT_TELEMETRY_DISABLED: '1', CDK_DISABLE_CLI_TELEMETRY: 'true' };

/** Milliseconds after which a program hangs. */
const PATIENCE_MS = 400_000;

const ROOT = join(import.meta.dirname, '../..');

const packedSchema = z.object({
  filename: z.string(),
  /** Bytes of the tarball. */
  size: z.number(),
  files: z.array(z.object({ path: z.string() })),
});
const manifestSchema = z.object({
  dependencies: z.record(z.string(), z.string()),
  peerDependencies: z.record(z.string(), z.string()),
});

export interface Installed {
  /** Where the stranger's own files go; `node_modules` is in it. */
  readonly folder: string;
  readonly size: number;
  readonly files: readonly string[];
  /** Runs a program of JavaScript there, by this Node. Throws where it fails. @returns what it printed */
  node(...args: readonly string[]): string;
  /** Puts a package of the repository beside it, as the stranger installs one for himself. */
  add(...names: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

/** Packs and unpacks. Takes half a minute: TypeScript and Vite run. */
export async function installed(): Promise<Installed> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'spotreel-installed-')));
  const modules = join(folder, 'node_modules');
  await mkdir(modules);
  const add = async (...names: readonly string[]) => {
    for (const name of names) {
      await mkdir(dirname(join(modules, name)), { recursive: true });
      await rm(join(modules, name), { force: true });
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
    }
  };
  const { stdout } = await exec('npm', ['pack', '--json', '--loglevel=error', '--pack-destination', folder], {
    cwd: ROOT,
  });
  // What `prepack` prints comes first.
  const [packed] = z.tuple([packedSchema]).parse(JSON.parse(stdout.slice(stdout.indexOf('[\n'))));
  await exec('tar', ['-xzf', join(folder, packed.filename), '-C', folder]);
  await rename(join(folder, 'package'), join(modules, 'spotreel'));
  const { dependencies, peerDependencies } = manifestSchema.parse(
    JSON.parse(await readFile(join(modules, 'spotreel/package.json'), 'utf8')),
  );
  await add(...Object.keys(dependencies), ...Object.keys(peerDependencies));
  return {
    folder,
    size: packed.size,
    files: packed.files.map(({ path }) => path),
    node: (...args) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, args, {
        cwd: folder,
        encoding: 'utf8',
        env: QUIET,
        timeout: PATIENCE_MS, // jest's own limit does not end what is waited for like this
      });
      if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
      return stdout;
    },
    add,
    remove: () => rm(folder, { recursive: true }),
  };
}
