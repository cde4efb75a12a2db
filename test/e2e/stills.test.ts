/** Poster, thumbnails, storyboard and preview, as a page gets them. */
import { writeFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { newVideoId, type VideoId } from '../../jobs/names.ts';
import { type Details, detailsSchema } from '../../video/details.ts';
import { ffmpeg, numberedPicture, readNumbers, readPixels } from '../support/media.ts';
import { treeOf } from '../support/spotreel.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const spotreel = useSpotreel();

const X264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

async function upload(file: string): Promise<VideoId> {
  const id = newVideoId();
  await spotreel.uploadAs(id, file);
  return id;
}

/** Makes a source, has it encoded, and gives what `video.json` says of it. */
async function encode(name: string, ...args: string[]): Promise<{ id: VideoId; details: Details }> {
  const file = spotreel.path(name);
  await ffmpeg(...args, file);
  const id = await upload(file);
  expect(await spotreel.ended(id)).toBe('ready');
  const response = await fetch(`${spotreel.url}/v/${id}/video.json`);
  return { id, details: detailsSchema.parse(await response.json()) };
}

/** A picture, as a browser gets it, in a file. */
async function download(id: VideoId, path: string, type: string): Promise<string> {
  const response = await fetch(`${spotreel.url}/v/${id}/${path}`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe(type);
  expect(response.headers.get('cache-control')).toContain('immutable');
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  const file = spotreel.path(path.replaceAll('/', '-'));
  await writeFile(file, new Uint8Array(await response.arrayBuffer()));
  return file;
}

/** Every cue of a storyboard: its times in seconds, and the part of the sheet that it names. */
function cuesOf(vtt: string) {
  const pattern = /(\d+):(\d+):([\d.]+) --> (\d+):(\d+):([\d.]+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)\n/g;
  return [...vtt.matchAll(pattern)].map(([, ...parts]) => {
    const [h, m, s, toH, toM, toS] = parts.slice(0, 6).map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ]; // the pattern has six
    const [x, y, width, height] = parts.slice(7).map(Number) as [number, number, number, number]; // and four
    const at = (hours: number, minutes: number, seconds: number) => hours * 3600 + minutes * 60 + seconds;
    return { from: at(h, m, s), to: at(toH, toM, toS), sheet: parts[6] ?? '', x, y, width, height };
  });
}

/** Whether the tile of each cue shows a frame of its stretch of the video. */
async function readTiles(id: VideoId, details: Details) {
  const vtt = await (await fetch(`${spotreel.url}/v/${id}/${details.storyboard}`)).text();
  const base = (details.storyboard ?? '').replace(/[^/]*$/, '');
  const cues = cuesOf(vtt);
  const shown: number[] = [];
  for (const { sheet, x, y, width, height } of cues) {
    const file = await download(id, `${base}${sheet}`, 'image/jpeg');
    shown.push(...(await readNumbers(file, { filter: `crop=${width}:${height}:${x}:${y}` })));
  }
  return cues.map((cue, index) => ({ ...cue, frame: shown[index] ?? -1 }));
}

describe('a clip of ten seconds that begins in the dark', () => {
  let video: Awaited<ReturnType<typeof encode>>;
  beforeAll(async () => {
    const dark = "drawbox=0:0:iw:ih:black:fill:enable='lt(t,5)'";
    const picture = `testsrc2=size=640x360:rate=25:duration=10,${dark}`;
    video = await encode('dark.mp4', '-f', 'lavfi', '-i', picture, ...X264);
  });

  test('has a poster that shows something', async () => {
    const { poster } = video.details;
    expect(poster).toMatchObject({ width: 640, height: 360 });
    const file = await download(video.id, poster?.path ?? '', 'image/jpeg');
    const [brightness = 0] = await readPixels(file, 1, 1);
    expect(brightness).toBeGreaterThan(60);
  });

  test('has thumbnails of the sizes that were asked for, never larger than the picture', async () => {
    expect(video.details.thumbnails.map(({ width, height }) => `${width}x${height}`)).toEqual([
      '640x360',
      '320x180',
    ]);
    const small = video.details.thumbnails[1]?.path ?? '';
    expect(await readPixels(await download(video.id, small, 'image/jpeg'))).toHaveLength(320 * 180);
  });

  test('has an animated preview', async () => {
    const { preview } = video.details;
    expect(preview).toMatchObject({ width: 320, height: 180 });
    const response = await fetch(`${spotreel.url}/v/${video.id}/${preview?.path}`);
    expect(response.headers.get('content-type')).toBe('image/webp');
    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.toString('latin1', 8, 12)).toBe('WEBP');
    // One `ANMF` chunk a frame (WebP container specification, "Animation"); equal dark ones are one.
    expect(bytes.toString('latin1').split('ANMF').length - 1).toBeGreaterThanOrEqual(5);
    expect(bytes.length).toBeLessThan(300_000);
  });

  test('is made anew to the byte', async () => {
    const again = await upload(spotreel.path('dark.mp4'));
    expect(await spotreel.ended(again)).toBe('ready');
    const [first, second] = await Promise.all([video.id, again].map((id) => treeOf(spotreel.s3, id)));
    const stills = (tree: Record<string, string> = {}) =>
      Object.entries(tree).flatMap(([key, hash]) =>
        key.includes('/stills/') ? [[key.split('/').at(-1), hash]] : [],
      );
    expect(stills(first).length).toBeGreaterThan(4);
    expect(stills(second)).toEqual(stills(first));
  });
});

describe('the tile of a time shows a picture of that time', () => {
  test.each([
    ['8 seconds', '25', 8, 10],
    ['45 seconds', '30000/1001', 45, 23],
  ])('in a video of %s', async (_, rate, seconds, tiles) => {
    const { id, details } = await encode(
      `n${seconds}.mp4`,
      '-f',
      'lavfi',
      '-i',
      numberedPicture(rate, seconds),
      ...X264,
    );
    const cues = await readTiles(id, details);
    expect(cues).toHaveLength(tiles);
    for (const { from, to, frame } of cues) {
      const time = frame / details.framesPerSecond;
      expect(time).toBeGreaterThanOrEqual(from - 0.001);
      expect(time).toBeLessThan(to);
    }
  });
});

test('an upright video has upright pictures, a small one pictures of its own size', async () => {
  const { details } = await encode(
    'upright.mp4',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=180x320:rate=25:duration=3',
    ...X264,
  );
  expect(details.poster).toMatchObject({ width: 180, height: 320 });
  expect(details.preview).toMatchObject({ width: 180, height: 320 });
});

test('a single picture is a poster, and moves nowhere', async () => {
  const { details } = await encode(
    'one.mp4',
    '-f',
    'lavfi',
    '-i',
    'testsrc2=size=320x180:rate=25',
    '-frames:v',
    '1',
    ...X264,
  );
  expect(details.poster).toMatchObject({ width: 320, height: 180 });
  expect(details.preview).toBeUndefined();
});
