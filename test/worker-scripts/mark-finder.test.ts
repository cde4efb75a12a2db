import { expect, test } from '@jest/globals';
import { MarkFinder } from '../../worker-scripts/mark-finder.ts';

test.each<[pieces: string[], found: boolean]>([
  [['..mark..'], true],
  [['mark'], true],
  [['..ma', 'rk..'], true],
  [['..m', 'a', 'r', 'k..'], true],
  [['..mar', 'mark'], true],
  [['..ma', '', 'rk'], true],
  [['..mark', '....'], true],
  [['..ma', '.rk..'], false],
  [['k..mar', 'mar', 'ark'], false],
  [[], false],
])('a mark is found wherever the bytes are cut: %j', (pieces, found) => {
  const finder = new MarkFinder(Buffer.from('mark'));
  for (const piece of pieces) finder.read(Buffer.from(piece));
  expect(finder.found).toBe(found);
});
