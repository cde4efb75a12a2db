import { describe, expect, test } from '@jest/globals';
import { ffprobeSchema, readSource } from '../../video/probe.ts';
import { namesOf } from '../../video/sound-names.ts';
import { textMedia, trackName } from '../../video/text/tracks.ts';
import { distinctNames, plainTitle, quotableTitle } from '../../video/titles.ts';

const offer = { language: 'und', default: false, forced: false, sdh: false };

describe('a title is one line', () => {
  test.each<[rule: string, title: string | undefined, plain: string]>([
    ['as it is', 'Ende – 終', 'Ende – 終'],
    ['without breaks of any kind', ' a\r\n\tb\u0085c\u2028d\u0000e\u001b ', 'a b c d e'],
    ['of a hundred characters at most, none halved', '𝄞'.repeat(300), '𝄞'.repeat(100)],
    ['empty where there is none', undefined, ''],
    ['empty where nothing is seen', ' \n\u0007', ''],
  ])('%s', (_rule, title, plain) => expect(plainTitle(title)).toBe(plain));

  test('and has no quotes where it is quoted', () => expect(quotableTitle('A "b"')).toBe("A 'b'"));
});

test('of names that come twice, the later have numbers that no other has', () => {
  expect(distinctNames(['A', 'A', 'A 2', 'B', 'A'])).toEqual(['A', 'A 2', 'A 2 2', 'B', 'A 3']);
});

describe('whatever a file calls its tracks', () => {
  const hostile = `"\u0085\r\n#EXT-X-ENDLIST\u0000${'-'.repeat(200_000)}"`;

  test('names of sound and of text are one short line without quotes, made in an instant', () => {
    const [sound = ''] = namesOf([{ language: hostile, title: hostile, dispositions: [] }]);
    const rate = { peak: 0, average: 0 };
    const media = textMedia([{ ...offer, language: hostile, title: hostile, uri: 'a', rate }]).join('');
    for (const name of [sound, trackName({ ...offer, title: hostile })]) {
      expect(name).toMatch(/^[^"\p{Cc}\p{Zl}\p{Zp}]{1,110}$/u);
    }
    expect(media).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,300}$/u);
  });

  test('a plan has the clean title and language of a text track', () => {
    const tags = { title: hostile, language: 'x'.repeat(1000) };
    const picture = { index: 0, codec_type: 'video', codec_name: 'h264', width: 2, height: 2 };
    const streams = [picture, { index: 1, codec_type: 'subtitle', codec_name: 'subrip', tags }];
    const ffprobe = {
      streams: streams.map((s) => ({ ...s, time_base: '1/25' })),
      format: { format_name: 'mov' },
    };
    const [track] = readSource(ffprobeSchema.parse(ffprobe)).text;
    expect(track).toMatchObject({ language: 'und', title: plainTitle(hostile) });
  });
});
