/** `spotreel deploy`: looks at the account, then has CDK deploy, and says how to go on. */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { jsonOr } from '../jobs/json-or.ts';
import { misfitsOf } from '../jobs/misfits.ts';
import { DEPLOYED } from '../jobs/platform.ts';
import { vpcIdsSchema } from '../jobs/vpc-ids.ts';
import { checkedText, mustStop } from './checkup.ts';
import { EXIT, UsageError } from './endings.ts';
import type { Wanted } from './preflight.ts';

const ROOT = join(import.meta.dirname, '..');

export interface DeployOptions {
  readonly context: Readonly<Record<string, string>>;
  readonly preflightOnly?: boolean;
  readonly yes?: boolean;
}

/** A setting of the deployment: of the command line, otherwise of `cdk.json`, otherwise the platform's own. */
function wantedOf(given: Readonly<Record<string, unknown>>): Wanted {
  const numberOf = (name: keyof typeof DEPLOYED): number => {
    const value = Number(given[name] ?? DEPLOYED[name]);
    if (Number.isInteger(value)) return value;
    throw new UsageError(`${name} is '${given[name]}'; give a whole number`);
  };
  return {
    maxVcpus: numberOf('maxVcpus'),
    maxOnDemandVcpus: numberOf('maxOnDemandVcpus'),
    zones: numberOf('zones'),
    ...vpcOf(given),
    makesWebAcl: given['webAcl'] !== undefined && !String(given['webAcl']).startsWith('arn:'),
  };
}

function vpcOf({ vpc }: Readonly<Record<string, unknown>>): Pick<Wanted, 'vpc'> {
  if (vpc === undefined) return {};
  const { data, error } = jsonOr(vpcIdsSchema).safeParse(vpc);
  if (data) return { vpc: data };
  throw new UsageError(misfitsOf(error, 'vpc').join('; '));
}

const cdkJsonSchema = z.object({ context: z.record(z.string(), z.unknown()).default({}) });

/** CDK's program, of the version that the platform is tested with. */
function cdkProgram(): string {
  const manifest = createRequire(import.meta.url).resolve('aws-cdk/package.json');
  return join(dirname(manifest), 'bin', 'cdk');
}

/** Runs CDK in the platform's folder. @returns its exit code */
function runCdk(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [cdkProgram(), ...args], { cwd: ROOT, stdio: 'inherit' });
  return new Promise((done, reject) => {
    child.on('error', reject);
    child.on('close', (code) => done(code ?? EXIT.failed));
  });
}

/** Outputs of each stack; those of the state say nothing to its owner. */
const outputsSchema = z.record(
  z.string(),
  z.object({ PlaybackUrl: z.string().optional(), ApiParameters: z.string().optional() }),
);

/** How to go on with a platform that is deployed. */
function nextSteps(outputs: z.infer<typeof outputsSchema>): string {
  const platform = Object.values(outputs).find(({ PlaybackUrl }) => PlaybackUrl !== undefined);
  return [
    'Deployed. Now:',
    `  export SPOTREEL_URL=${platform?.PlaybackUrl}`,
    `  export SPOTREEL_TOKEN=$(spotreel token create me --scope admin --parameters ${platform?.ApiParameters})`,
    '  spotreel upload film.mp4 --wait',
  ].join('\n');
}

async function cdkDeploy({ context, yes }: DeployOptions, cdk: typeof runCdk): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-deploy-'));
  try {
    const outputsFile = join(folder, 'outputs.json');
    const settings = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
    const approval = yes ? ['--require-approval', 'never'] : [];
    const output = join(folder, 'cdk.out'); // the platform's own folder may not be ours to write to
    const code = await cdk([
      ...['deploy', '--all', '--output', output, '--outputs-file', outputsFile],
      ...[...approval, ...settings],
    ]);
    if (code === 0)
      console.log(nextSteps(outputsSchema.parse(JSON.parse(await readFile(outputsFile, 'utf8')))));
    return code;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Deploys, unless something is found that must be put right first.
 * @param cdk runs CDK with arguments
 * @returns the exit code
 */
export async function deploy(options: DeployOptions, cdk = runCdk): Promise<number> {
  const { context } = cdkJsonSchema.parse(JSON.parse(await readFile(join(ROOT, 'cdk.json'), 'utf8')));
  const { preflight } = await import('./preflight.ts'); // five of AWS's clients, which other commands need not load
  const checked = await preflight(wantedOf({ ...context, ...options.context }));
  for (const one of checked) console.log(checkedText(one));
  if (mustStop(checked)) {
    console.error('Nothing was deployed: put right what says STOP, then deploy again');
    return EXIT.failed;
  }
  return options.preflightOnly ? EXIT.done : cdkDeploy(options, cdk);
}

/** Reads a setting, `name=value`, beside those before it. */
function setting(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, name, value] = /^(\w+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It must be name=value.');
  return { ...before, [name]: value };
}

/** Adds the command. */
export function addDeploy(program: Command): void {
  program
    .command('deploy')
    .description('put the platform into your AWS account: looks at the account first, then runs CDK')
    .option(
      '-c, --context <name=value>',
      'a setting, see docs/deploying.md; may be given several times',
      setting,
      {},
    )
    .option('--preflight-only', 'only look; exit code 0 if it can be deployed')
    .option('--yes', 'do not ask before permissions are given')
    .addHelpText(
      'after',
      `
The account and region are those of AWS_PROFILE, AWS_REGION and what else the AWS CLI knows.

Examples:
  spotreel deploy --preflight-only
  spotreel deploy -c maxVcpus=64`,
    )
    .action(async (options: DeployOptions) => {
      process.exitCode = await deploy(options);
    });
}
