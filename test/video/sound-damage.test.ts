import { describe, expect, test } from '@jest/globals';
import { SoundWatch } from '../../video/sound-damage.ts';

/** A second of sound, in the words of ffmpeg's filter, and a packet that gave none. */
const second = (at: number, rate = 48_000) =>
  `[ashowinfo@source @ 0x5a] [info] n:0 pts:${at * rate} pts_time:${at} pos:-1 fmt:fltp channels:2 chlayout:stereo rate:${rate} nb_samples:${rate} checksum:0 plane_checksums: [ 0 0 ]`;
const FAILS = '[error] Error while decoding stream #0:1: Invalid data found when processing input';
const OTHER_FAILS = FAILS.replace('#0:1', '#0:2');

describe('of a stream from 10 s to 20 s the seconds that are silent because they could not be decoded', () => {
  test.each<[what: string, lines: readonly string[], silent: number]>([
    ['none, where all is well', [second(10), second(11), second(12)], 0],
    ['none, where the sound pauses, begins late and ends early', [second(12), second(15)], 0],
    ['a hole, however many packets failed there', [second(10), FAILS, FAILS, FAILS, second(13)], 2],
    ['two holes', [second(10), FAILS, second(12), second(13), FAILS, second(17)], 4],
    ['the beginning', [FAILS, second(13)], 3],
    ['the end', [second(10), second(11), FAILS], 8],
    ['all of it', [FAILS, FAILS], 10],
    ['none, where faults were concealed', [second(10), FAILS, second(11)], 0],
    ['none for what comes before and behind', [FAILS, second(8), second(9), second(20), FAILS], 0],
    ['none of another track', [second(10), OTHER_FAILS, second(13)], 0],
    ['a hole before another sample rate', [second(10), FAILS, second(12, 44_100)], 1],
  ])('%s', (_, lines, silent) => {
    const watch = new SoundWatch({ stream: 1 }, { from: 10, to: 20 });
    for (const line of lines) watch.read(line);
    expect(watch.silentSeconds).toBe(silent);
  });
});
