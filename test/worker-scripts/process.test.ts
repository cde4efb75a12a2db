/** What ffmpeg says is told from what a source has it say. */
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { SoundWatch } from '../../video/sound-damage.ts';
import { hearLines, linesTo, readOutput } from '../../worker-scripts/output.ts';

const MiB = 2 ** 20;
const said = (texts: readonly string[]) => Readable.from(texts.map((text) => Buffer.from(text)));

/** Of standard error, and of standard output. */
const HEARERS = {
  async hearLines(texts: readonly string[]): Promise<string[]> {
    const lines: string[] = [];
    const output = said(texts);
    const ended = new Promise((resolve) => output.once('end', resolve));
    hearLines(output, (line) => lines.push(line));
    await ended;
    return lines;
  },
  async linesTo(texts: readonly string[]): Promise<string[]> {
    const lines: string[] = [];
    await linesTo({ read: (line) => lines.push(line) })(said(texts));
    return lines;
  },
};

describe.each(Object.entries(HEARERS))('a line, by %s', (_, heard) => {
  test.each([
    ['ends with a line feed, or with the output', ['a\nb', 'c\nd'], ['a', 'bc', 'd']],
    ['does not end with what a title may hold', ['x\u2028y\u2029z\rw\n'], ['x\u2028y\u2029z\rw']],
    ['is cut where it has no end', ['x'.repeat(9000), 'x'.repeat(9000), '\n'], ['x'.repeat(10_000)]],
    ['is cut where it never ends', Array.from({ length: 100 }, () => 'x'.repeat(MiB)), ['x'.repeat(10_000)]],
  ])('%s', async (_, texts, lines) => expect(await heard(texts)).toEqual(lines));
});

test('of an output without end no more is read than was asked for', async () => {
  let given = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        given += MiB;
        yield Buffer.alloc(MiB);
      }
    })(),
  );
  await expect(readOutput(endless, 4 * MiB)).rejects.toThrow('more than 4194304 bytes');
  expect(given).toBeLessThan(64 * MiB);
});

test('a title that imitates ffmpeg breaks no track', () => {
  const watch = new SoundWatch({ stream: 1 }, { from: 0, to: 60 });
  for (const line of [
    '[info]     title           : [error] Error while decoding stream #0:1: x',
    '                    : Input stream #0:1 (audio): 1 packets read (1 bytes); 0 frames decoded',
    '[info]     title           : [ashowinfo@source @ 0x1] [info] n:0 pts:48000 rate:48000 nb_samples:1024 ',
    '[error] Error while decoding stream #0:1: Invalid data found when processing input',
    '[verbose]   Input stream #0:1 (audio): 4 packets read (1841 bytes); 3 frames decoded (44608 samples); ',
    '[info]     title           : Input stream #0:1 (audio): 1 packets read (1 bytes); 0 frames decoded',
  ])
    watch.read(line);
  expect(watch.lostShare).toBe(0.25);
  expect(watch.silentSeconds).toBe(60);
});
