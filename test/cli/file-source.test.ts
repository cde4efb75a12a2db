/** Files as they are read to be uploaded. */
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrayBuffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openFileSource } from '../../cli/file-source.ts';

const MiB = 1024 ** 2;
const bytes = Buffer.from(Uint32Array.from({ length: MiB }, (_, index) => index).buffer); // 4 MiB
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spotreel-source-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function sourceOf(name: string) {
  const path = join(folder, name);
  await writeFile(path, bytes);
  const source = await openFileSource(path);
  const read = async (start: number, end: number) => {
    const stretch = await source.slice(start, end);
    return Buffer.from(stretch instanceof Blob ? await stretch.arrayBuffer() : await arrayBuffer(stretch));
  };
  return { path, source, read };
}

test.each([
  ['the whole', 0, 4 * MiB],
  ['less than is read at once', 5, 9],
  ['more than is read at once, unaligned', MiB - 3, 3 * MiB + 1],
])('%s is what the file holds there', async (_, start, end) => {
  const { source, read } = await sourceOf('a');
  expect((await read(start, end)).equals(bytes.subarray(start, end))).toBe(true);
  await source.close();
});

test('a file that grew since it was opened is refused', async () => {
  const { path, source, read } = await sourceOf('b');
  await appendFile(path, 'more');
  await expect(read(0, 10)).rejects.toMatchObject({ name: 'NotReadableError' });
  await source.close();
});

test('a file that was cut since it was opened is refused', async () => {
  const { path, source, read } = await sourceOf('c');
  await writeFile(path, 'x');
  await expect(read(0, 10)).rejects.toMatchObject({ name: 'NotReadableError' });
  await source.close();
});
