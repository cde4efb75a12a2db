/** Subtitles generated from what is said, through the whole platform. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newVideoId, sourceKey } from '../../jobs/names.ts';
import { recordPending } from '../../jobs/pending.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { ffmpeg, numberedPicture } from '../support/media.ts';
import { speak, speechTest } from '../support/speech.ts';
import { type Spotreel, scratch, startSpotreel, stopAll, UPLOAD_BUCKET } from '../support/spotreel.ts';
import { cuesOf, readRenditions } from '../support/text.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let spotreel: Spotreel;
beforeAll(async () => {
  folder = await scratch();
  spotreel = await startSpotreel(join(folder.path, 'data'));
});
afterAll(async () => {
  await spotreel?.interrupt();
  await stopAll();
  await folder?.remove();
});

const picture = ['-f', 'lavfi', '-i', numberedPicture('25', 8)];

/** Uploads a file whose subtitles are to be generated, and waits until it is ready. */
async function encode(file: string, transcribe: object) {
  const id = newVideoId();
  const Body = await readFile(file);
  await recordPending(new ObjectStore(spotreel.s3, UPLOAD_BUCKET), id, {
    ...{ fileName: 'speech.mkv', type: 'video/x-matroska', size: Body.length, settings: { transcribe } },
    ...{ createdAt: new Date().toISOString(), createdBy: 'test' },
  });
  await spotreel.s3.send(new PutObjectCommand({ Bucket: UPLOAD_BUCKET, Key: sourceKey(id), Body }));
  expect(await spotreel.ended(id)).toBe('ready');
  const renditions = await readRenditions(`${spotreel.url}/v/${id}/master.m3u8`);
  return { renditions, video: await spotreel.show(id) };
}

speechTest('a spoken sentence becomes a cue with its words within half a second of its time', async () => {
  const [words, file] = [join(folder.path, 'words.wav'), join(folder.path, 'speech.mkv')];
  await speak('we are in new york', words);
  // Two seconds after the first picture. A room is never silent; PocketSphinx can not do without its noise.
  const room =
    '[1]adelay=2000,apad=whole_dur=8[said];anoisesrc=a=0.003:r=22050:seed=1:d=8[noise];[said][noise]amix=normalize=0';
  const sound = ['-filter_complex', `${room},atrim=end=8[sound]`, '-map', '0', '-map', '[sound]'];
  await ffmpeg(...picture, '-i', words, ...sound, '-ac', '1', '-c:a', 'flac', file);
  const { renditions } = await encode(file, { engine: 'pocketsphinx', language: 'en' });
  expect(renditions.map(({ attributes }) => [attributes['NAME'], attributes['LANGUAGE']])).toEqual([
    ['English (auto-generated)', 'en'],
  ]);
  const [cue = ''] = renditions[0]?.segments.flatMap(cuesOf) ?? [];
  const [, start, end, said] = /^00:00:(\S+) --> 00:00:(\S+) (.*)$/.exec(cue) ?? [];
  expect(said).toBe('we are in new york');
  expect(Math.abs(Number(start) - 2)).toBeLessThan(0.5);
  // The sentence lasts 1.1 s, and espeak-ng’s silence after it 0.4 s.
  expect(Math.abs(Number(end) - 3.2)).toBeLessThan(0.5);
});

test('where speech can not be recognised the video plays without, and a finding says why', async () => {
  const file = join(folder.path, 'tone.mkv');
  await ffmpeg(...picture, '-f', 'lavfi', '-i', 'sine=d=8', file);
  const model = 'models/none.bin';
  const { renditions, video } = await encode(file, { engine: 'whisper', language: 'en', model });
  expect(renditions).toEqual([]);
  expect(video?.findings).toContainEqual({
    code: 'no-transcript',
    text: expect.stringContaining(model),
  });
});
