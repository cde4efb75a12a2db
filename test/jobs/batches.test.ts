/** A few at a time. */
import { expect, test } from '@jest/globals';
import { inBatches } from '../../jobs/batches.ts';

test('does every item, no more than said at a time, and keeps their order', async () => {
  let busy = 0;
  let busiest = 0;
  const slowFirst = async (item: number) => {
    busiest = Math.max(busiest, ++busy);
    for (let turn = 0; turn < 10 - item; turn++) await Promise.resolve();
    busy -= 1;
    return item * 10;
  };
  const results = await Array.fromAsync(inBatches([0, 1, 2, 3, 4, 5, 6], 3, slowFirst));
  expect(results).toEqual([0, 10, 20, 30, 40, 50, 60]);
  expect(busiest).toBe(3);
});

test('begins nothing that nobody asked for', async () => {
  const begun: number[] = [];
  const work = async (item: number) => void begun.push(item);
  for await (const _ of inBatches([0, 1, 2, 3, 4], 2, work)) break;
  expect(begun).toEqual([0, 1]);
});

test('begins nothing after one failed', async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    if (item === 1) throw new Error('item 1');
  };
  await expect(Array.fromAsync(inBatches([0, 1, 2, 3], 2, work))).rejects.toThrow('item 1');
  expect(begun).toEqual([0, 1]);
});
