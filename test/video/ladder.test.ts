/** Which rungs a picture gets, in which codecs. */
import { describe, expect, test } from '@jest/globals';
import { chooseLadder, chooseRungs, downloadRung } from '../../video/ladder.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';

const settings = encodeSettingsSchema.parse({});

const HD = ['1920x1080', '1280x720', '854x480', '640x360', '426x240'];

describe('ladder', () => {
  test.each([
    [1920, 1080, HD],
    [1080, 1920, ['1080x1920', '720x1280', '480x854', '360x640', '240x426']],
    [3840, 2160, ['3840x2160', '2560x1440', ...HD]],
    [2160, 3840, ['2160x3840', '1440x2560', '1080x1920', '720x1280', '480x854', '360x640', '240x426']],
    [4096, 2160, ['4096x2160', '2730x1440', '2048x1080', '1366x720', '910x480', '682x360', '456x240']],
    [7680, 4320, ['3840x2160', '2560x1440', ...HD]],
    [2560, 1440, ['2560x1440', ...HD]],
    [2160, 1200, ['2160x1200', '1944x1080', '1296x720', '864x480', '648x360', '432x240']],
    [1280, 720, ['1280x720', '854x480', '640x360', '426x240']],
    [1000, 600, ['1000x600', '800x480', '600x360', '400x240']],
    [1300, 730, ['1282x720', '854x480', '642x360', '428x240']],
    [160, 120, ['160x120', '106x80']],
    [321, 241, ['320x240', '214x160']],
    [320, 240, ['320x240', '214x160']],
    [15, 11, ['16x12']],
  ])('%i x %i gets %j', (width, height, sizes) => {
    expect(
      chooseLadder({ width, height }, settings.rungs).map((rung) => `${rung.width}x${rung.height}`),
    ).toEqual(sizes);
  });

  test('a very wide picture gets no rung beyond what level 5.2 of H.264 decodes', () => {
    const [top] = chooseLadder({ width: 7680, height: 2160 }, settings.rungs);
    expect(top).toMatchObject({ name: '1440p', width: 5120 });
  });

  test('a picture of two pixels has a rung that the plan can hold', () => {
    const [rung] = chooseLadder({ width: 2, height: 2 }, settings.rungs);
    expect(rung).toMatchObject({ name: '2p', width: 2, height: 2, maxKbps: 50 });
  });
});

describe('codecs', () => {
  const names = (codecs: string[], width: number, height: number) =>
    chooseRungs({ width, height }, encodeSettingsSchema.parse({ codecs })).map(({ name }) => name);

  test('H.264 comes first, each other codec has the same sizes under its own name', () => {
    expect(names(['h264', 'av1', 'hevc'], 640, 360)).toEqual([
      ...['360p', '240p'],
      ...['av1-360p', 'av1-240p'],
      ...['hevc-360p', 'hevc-240p'],
    ]);
  });

  test('a picture too small for their encoders stays H.264', () => {
    expect(names(['h264', 'hevc', 'av1'], 80, 60)).toEqual(['60p']);
  });

  test.each([[['hevc']], [['av1', 'h264']], [['h264', 'hevc', 'hevc']], [[]]])(
    'the setting %j is refused',
    (codecs) => {
      expect(encodeSettingsSchema.safeParse({ codecs }).success).toBe(false);
    },
  );
});

test.each([
  ['off', undefined],
  ['highest', '1080p'],
  ['1080p', '1080p'],
  ['700p', '480p'],
  ['4320p', '1080p'],
  ['100p', '240p'],
])('of a portrait ladder with HEVC, the download "%s" is %s', (download, name) => {
  const settings = encodeSettingsSchema.parse({ codecs: ['h264', 'hevc'], download });
  const rungs = chooseRungs({ width: 1080, height: 1920 }, settings);
  expect(downloadRung(rungs, settings.download)).toBe(name);
  expect(downloadRung([], settings.download)).toBeUndefined();
});

test.each(['best', '0p', 'hevc-720p', '720'])('no download is called "%s"', (download) => {
  expect(encodeSettingsSchema.safeParse({ download }).success).toBe(false);
});
