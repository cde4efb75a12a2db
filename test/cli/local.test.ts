/** `spotreel local` as a person starts it, where something is in its way. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, jest, test } from '@jest/globals';
import { runLocal } from '../../cli/local.ts';
import { GRANTS } from '../../local/iam/iam.ts';
import { runCli } from '../support/cli.ts';
import { scratch } from '../support/spotreel.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a port that another program has is named, with the option that chooses others', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const address = other.address();
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no address');
  const folder = await scratch();
  try {
    const args = ['local', '--port', `${address.port}`, '--data', join(folder.path, 'data')];
    expect(await runCli(args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`Port ${address.port} is taken: choose others with --port`),
    });
  } finally {
    other.close();
    await folder.remove();
  }
});

test('with --once it ends where a role may not do what it must, and says what that is', async () => {
  const withoutS3 = GRANTS.dispatch.filter(({ action }) => !action.startsWith('s3:'));
  jest.replaceProperty(GRANTS, 'dispatch', withoutS3);
  jest.spyOn(console, 'error').mockReturnValue(); // every denial is printed, too
  const folder = await scratch();
  try {
    const data = join(folder.path, 'data');
    const run = runLocal([import.meta.filename], { port: 0, data, workers: 1, once: true, json: true });
    await expect(run).rejects.toThrow('The role dispatch may not s3:');
  } finally {
    await folder.remove();
  }
});
