/** Programs as they travel: one ES module each, with all that it imports, made while CDK synthesizes. */
import { dirname, join } from 'node:path';
import { AssetHashType, type BundlingOptions, BundlingOutput, DockerImage } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { buildSync } from 'esbuild';
import { programFile } from '../jobs/program-file.ts';

/** esbuild's ES modules lack `require`, which packages of the older kind call for Node's own modules. */
const REQUIRE_BANNER =
  "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";

export interface Bundle {
  /** As the repository has it, from its root: `lambda/dispatch.ts`. */
  readonly program: string;
  /** The version of Node that runs it: `24`. */
  readonly node: string;
  /** Small rather than readable. */
  readonly minify: boolean;
}

/** Writes a program as one file. AWS's clients are in it: those that the tests ran with, not the runtime's. */
export function bundle({ program, node, minify }: Bundle, file: string): void {
  buildSync({
    entryPoints: [programFile(program)],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: `node${node}`,
    format: 'esm',
    banner: { js: REQUIRE_BANNER },
    minify,
    keepNames: true, // the SDK's errors are told apart by name
    legalComments: 'none',
    logLevel: 'error',
  });
}

/** How CDK makes an asset of one file by calling `make`. CDK insists on an image for Docker, which it then never starts. */
export const oneFile = (make: (folder: string) => void): BundlingOptions => ({
  image: DockerImage.fromRegistry('never-started'),
  outputType: BundlingOutput.SINGLE_FILE,
  local: {
    tryBundle: (folder) => {
      make(folder);
      return true;
    },
  },
});

/** How CDK makes the code of a Lambda: a folder with `index.mjs`. */
export const lambdaCode = (program: string): lambda.Code =>
  lambda.Code.fromAsset(dirname(programFile(program)), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      ...oneFile((folder) => bundle({ program, node: '24', minify: true }, join(folder, 'index.mjs'))),
      outputType: BundlingOutput.NOT_ARCHIVED,
      command: [program], // by this alone CDK tells the functions of one folder apart
    },
  });
