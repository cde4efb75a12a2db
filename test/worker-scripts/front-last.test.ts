/** A file whose beginning is known last goes up in parts that S3 takes. */
import { expect, test } from '@jest/globals';
import { putFrontLast } from '../../worker-scripts/front-last.ts';

async function* pieces(sizes: readonly number[]): AsyncGenerator<Buffer> {
  let next = 0;
  for (const size of sizes) yield Buffer.from(Array.from({ length: size }, () => next++ % 256));
}

test.each([
  ['nothing', [], ['1: 3']],
  ['less than a part', [4], ['1: 7']],
  ['exactly a part', [6, 4], ['1: 13']],
  ['two and the rest', [6, 6, 6, 6, 1], ['2: 12', '3: 1', '1: 15']],
])('%s, by part and bytes in the order of its upload', async (_, sizes, expected) => {
  const parts = new Map<number, Buffer>();
  const put = async (number: number, bytes: Buffer) => void parts.set(number, bytes);
  const total = await putFrontLast(pieces(sizes), () => Buffer.from('***'), 10, put);
  expect([...parts].map(([number, bytes]) => `${number}: ${bytes.length}`)).toEqual(expected);
  const whole = Buffer.concat([...parts].toSorted(([a], [b]) => a - b).map(([, bytes]) => bytes));
  expect(total).toBe(whole.length);
  const media: Buffer[] = [];
  for await (const piece of pieces(sizes)) media.push(piece);
  expect(whole).toEqual(Buffer.concat([Buffer.from('***'), ...media]));
});

test('what stands in front is asked for when everything has gone by', async () => {
  let gone = 0;
  async function* counted() {
    for await (const piece of pieces([6, 6, 6])) {
      yield piece;
      gone++;
    }
  }
  await putFrontLast(
    counted(),
    () => Buffer.from([gone]),
    10,
    async (number, bytes) => {
      if (number === 1) expect(bytes[0]).toBe(3);
    },
  );
});
