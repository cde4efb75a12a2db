import { describe, expect, test } from '@jest/globals';
import { textMedia } from '../../../video/text/tracks.ts';

/** Renditions of which each says only what is special of it. */
const media = (...changes: object[]): string[] =>
  textMedia(
    changes.map((change) => {
      const rate = { peak: 0, average: 0 };
      return { language: 'en', default: false, forced: false, sdh: false, uri: 'a', rate, ...change };
    }),
  );

describe('players choose subtitles by themselves', () => {
  test.each<[rule: string, renditions: object[], autoselect: string[]]>([
    [
      'each language once, whatever code it has',
      [{}, { language: 'de' }, { language: 'eng' }],
      ['YES', 'YES', 'NO'],
    ],
    ['the default rather than the first of its language', [{}, { default: true }], ['NO', 'YES']],
    ['forced ones beside others, once', [{}, { forced: true }, { forced: true }], ['YES', 'YES', 'NO']],
    ['all that are for the deaf', [{ sdh: true }, {}, { sdh: true }], ['YES', 'YES', 'YES']],
  ])('%s', (_rule, renditions, autoselect) => {
    expect(media(...renditions).map((line) => /AUTOSELECT=(\w+)/.exec(line)?.[1])).toEqual(autoselect);
  });
});
