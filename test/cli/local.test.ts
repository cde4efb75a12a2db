/** `spotreel local` as a person starts it, where something is in its way. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { runCli } from '../support/cli.ts';
import { scratch } from '../support/spotreel.ts';

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
