/** What ffmpeg says is told from what a source has it say. */
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import { SoundWatch } from '../../video/sound-damage.ts';
import { hearLines } from '../../worker-scripts/process.ts';

async function heard(...said: string[]): Promise<string[]> {
  const lines: string[] = [];
  const output = Readable.from(said.map((text) => Buffer.from(text)));
  const ended = new Promise((resolve) => output.once('end', resolve));
  hearLines(output, (line) => lines.push(line));
  await ended;
  return lines;
}

describe('a line', () => {
  test.each([
    ['ends with a line feed, or with the output', ['a\nb', 'c\nd'], ['a', 'bc', 'd']],
    ['does not end with what a title may hold', ['x\u2028y\u2029z\rw\n'], ['x\u2028y\u2029z\rw']],
    ['is cut where it has no end', ['x'.repeat(9000), 'x'.repeat(9000), '\n'], ['x'.repeat(10_000)]],
  ])('%s', async (_, said, lines) => expect(await heard(...said)).toEqual(lines));
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
