/** The AWS CLI, if this machine has it. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Version line of the AWS CLI; `undefined`, with the reason printed, where there is none. */
export async function awsCliVersion(): Promise<string | undefined> {
  try {
    return (await run('aws', ['--version'])).stdout.trim();
  } catch (error) {
    console.log(
      `skipped: the AWS CLI is not on this machine (${error instanceof Error ? error.message : error})`,
    );
    return undefined;
  }
}

/** Runs the AWS CLI against an endpoint; resolves to the JSON that it printed, or to nothing. */
export async function awsCli(endpoint: string, args: readonly string[]): Promise<unknown> {
  const { stdout } = await run('aws', ['--endpoint-url', endpoint, '--output', 'json', ...args], {
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_DEFAULT_REGION: 'eu-test-1',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    },
  });
  return stdout.trim() === '' ? undefined : JSON.parse(stdout);
}
