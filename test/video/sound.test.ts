import { describe, expect, test } from '@jest/globals';
import { languageOf } from '../../video/languages.ts';
import type { AudioTrack } from '../../video/probe.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { chooseSound } from '../../video/sound.ts';
import { namesOf, roleOf } from '../../video/sound-names.ts';

const settings = encodeSettingsSchema.parse({});

/** Tracks of a file, by what is special of each. */
const tracks = (...changes: Partial<AudioTrack>[]): AudioTrack[] =>
  changes.map((change, index) => {
    return { stream: index + 1, codec: 'aac', channels: 2, language: 'und', dispositions: [], ...change };
  });

const chosen = (...changes: Partial<AudioTrack>[]) => chooseSound(tracks(...changes), 10, settings).audio;

describe('languages are BCP 47, whatever code the file has', () => {
  test.each([
    ['ger', 'de', 'German'],
    ['deu', 'de', 'German'],
    ['fre', 'fr', 'French'],
    ['chi', 'zh', 'Chinese'],
    ['cze', 'cs', 'Czech'],
    ['dut', 'nl', 'Dutch'],
    ['en', 'en', 'English'],
    ['pt-BR', 'pt-BR', 'Brazilian Portuguese'],
    ['en_US', 'en-US', 'American English'],
    ['nob', 'nb', 'Norwegian Bokmål'],
    ['yue', 'yue', 'Cantonese'],
    ['und', 'und', undefined],
    ['mis', 'und', undefined],
    ['qaa', 'und', undefined],
    ['Halo', 'und', undefined],
    [`en-x-${'long-'.repeat(40)}`, 'und', undefined],
    ['', 'und', undefined],
  ])('%s is %s, %s', (code, tag, name) => {
    expect(languageOf(code)).toEqual({ tag, name });
  });
});

describe('names are what people choose by', () => {
  test.each([
    ['a language', { language: 'ger' }, 'German'],
    ['nothing', {}, 'Audio'],
    ['a title', { title: 'Live mix' }, 'Live mix'],
    ['both', { language: 'eng', title: 'Live mix' }, 'English (Live mix)'],
    ['a title that has the language', { language: 'eng', title: 'English, live' }, 'English, live'],
    ['a title of how it was coded', { language: 'fre', title: 'Surround 5.1 (AC-3)' }, 'French'],
    [
      'a title with the language and the coding',
      { language: 'eng', title: 'English - DTS-HD MA 7.1' },
      'English',
    ],
    ['what programs write', { language: 'eng', title: 'SoundHandler' }, 'English'],
    ['what cannot be quoted', { title: 'The "cut"\nof\u2028me' }, "The 'cut' of me"],
    ['commentary', { language: 'eng', dispositions: ['comment'] }, 'English (commentary)'],
    ['description', { language: 'eng', dispositions: ['visual_impaired'] }, 'English (audio description)'],
    ['clear speech', { language: 'eng', dispositions: ['hearing_impaired'] }, 'English (clear speech)'],
    [
      'whose commentary',
      { language: 'eng', title: "Director's commentary" },
      "English (Director's commentary)",
    ],
    ['a very long title', { title: 'x'.repeat(200) }, 'x'.repeat(100)],
  ])('%s', (_, words, name) => {
    expect(namesOf([{ language: 'und', dispositions: [], ...words }])).toEqual([name]);
  });

  test('of the same name, the second has a number', () => {
    expect(
      chosen({ language: 'eng' }, { language: 'eng' }, { language: 'en' }).map(({ name }) => name),
    ).toEqual([...['English', 'English 2', 'English 3']]);
  });

  test.each([
    [['comment'], '', 'commentary'],
    [['descriptions'], '', 'description'],
    [[], 'English Audio Description', 'description'],
    [[], 'Commentary by the cast', 'commentary'],
    [['hearing_impaired'], 'Commentary by the cast', 'clear-speech'],
    [['default', 'original'], 'English', 'main'],
  ] as const)('flags %j and the title "%s" mean %s', (dispositions, title, role) => {
    expect(roleOf({ language: 'und', dispositions, title })).toBe(role);
  });
});

describe('the order is general before special, and the first plays', () => {
  const order = (...changes: Partial<AudioTrack>[]) => chosen(...changes).map(({ stream }) => stream);
  test.each([
    ['as in the file', [{}, {}], [1, 2]],
    ['the one marked default first', [{}, { dispositions: ['default'] }], [2, 1]],
    [
      'of several marked ones the first',
      [{ dispositions: ['default'] }, { dispositions: ['default'] }],
      [1, 2],
    ],
    ['a commentary last, even if it is marked', [{ dispositions: ['default', 'comment'] }, {}], [2, 1]],
    [
      'description after all that is general',
      [{ dispositions: ['descriptions'] }, { language: 'fr' }, {}],
      [2, 3, 1],
    ],
  ])('%s', (_, changes, streams) => expect(order(...changes)).toEqual(streams));
});

describe('players choose by themselves', () => {
  test.each([
    [
      'each language once',
      [{ language: 'eng' }, { language: 'ger' }, { language: 'en' }],
      [true, true, false],
    ],
    ['no commentary', [{ language: 'eng' }, { language: 'ger', dispositions: ['comment'] }], [true, false]],
    [
      'descriptions always',
      [{ language: 'eng' }, { language: 'eng', dispositions: ['descriptions'] }],
      [true, true],
    ],
    ['the only one, whatever it is', [{ dispositions: ['comment'] }], [true]],
  ])('%s', (_, changes, autoselect) => {
    expect(chosen(...changes).map((sound) => sound.autoselect)).toEqual(autoselect);
  });
});

describe('channels', () => {
  test.each([
    ['mono', { channels: 1, layout: 'mono' }, ['mono 2']],
    ['stereo', { channels: 2, layout: 'stereo' }, ['matrix 2']],
    ['two channels without a layout', { channels: 2 }, ['matrix 2']],
    ['5.0', { channels: 5, layout: '5.0' }, ['matrix 2']],
    ['5.1', { channels: 6, layout: '5.1(side)' }, ['matrix 2', 'matrix 6']],
    ['six channels without a layout', { channels: 6 }, ['matrix 2', 'matrix 6']],
    ['7.1', { channels: 8, layout: '7.1' }, ['matrix 2', 'matrix 6']],
    ['sixteen microphones', { channels: 16 }, ['first-two 2']],
    ['a sphere', { channels: 9, layout: 'ambisonic 2' }, ['first-two 2']],
  ])('%s', (_, change, renditions) => {
    expect(chosen(change).map(({ mix, channels }) => `${mix} ${channels}`)).toEqual(renditions);
  });

  test('5.1 has a bit rate of its own, and comes after the stereo of all tracks', () => {
    const sounds = chosen({ channels: 6 }, { channels: 2 }, { channels: 8 });
    expect(sounds.map(({ stream, channels, kbps }) => [stream, channels, kbps])).toEqual([
      ...[
        [1, 2, 128],
        [2, 2, 128],
        [3, 2, 128],
      ],
      ...[
        [1, 6, 320],
        [3, 6, 320],
      ],
    ]);
  });
});

describe('findings', () => {
  const codes = (all: AudioTrack[], changes: object = {}) =>
    chooseSound(all, 10, encodeSettingsSchema.parse(changes)).findings.map(({ code }) => code);

  test('no sound', () => expect(codes([])).toEqual(['no-audio']));
  test('channels that nobody names', () =>
    expect(codes(tracks({ channels: 16 }))).toEqual(['audio-channels']));
  test('more tracks than allowed: the first stay, the special ones go', () => {
    const all = tracks({ dispositions: ['comment'] }, { language: 'eng' }, { language: 'ger' });
    const { audio, findings } = chooseSound(all, 10, encodeSettingsSchema.parse({ maxAudioTracks: 2 }));
    expect(audio.map(({ stream }) => stream)).toEqual([2, 3]);
    expect(findings).toEqual([{ code: 'audio-tracks', text: expect.stringContaining('has 3 audio tracks') }]);
  });
});
