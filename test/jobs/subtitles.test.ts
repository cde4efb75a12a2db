/** Subtitles that are added to a video: what they leave in S3, and what plays. */
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { claimVideo } from '../../jobs/claim.ts';
import type { Encode } from '../../jobs/messages.ts';
import { newVideoId, sourceKey, videoKeys } from '../../jobs/names.ts';
import { publish, type Stores } from '../../jobs/publish.ts';
import { reencode, rollback } from '../../jobs/redrive.ts';
import { requestFirst } from '../../jobs/requests.ts';
import { ObjectStore } from '../../jobs/store.ts';
import {
  addSubtitles,
  listSubtitles,
  MAX_SUBTITLE_BYTES,
  removeSubtitles,
  type SubtitlesRequest,
} from '../../jobs/subtitles.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { memoryStores, type Objects, serveS3 } from '../support/memory-s3.ts';
import { makeTiny } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
mockClient(SQSClient);
const objects: Objects = new Map();
const video = newVideoId();
let stores: Stores;

const SRT = Buffer.from('1\n00:00:01,000 --> 00:00:03,000\nHello\n');
const OTHER = Buffer.from('1\n00:00:01,000 --> 00:00:03,000\nHallo\n');
const english: SubtitlesRequest = { language: 'en' };

/** An upload whose encode was asked for. */
async function upload(): Promise<Encode> {
  const object = { bucket: 'uploads', key: sourceKey(video), etag: 'e1', size: 5 };
  const { claim } = await claimVideo(stores.uploads, { ...object, time: '2026-01-02T03:04:05.000Z' });
  const settings = encodeSettingsSchema.parse({});
  return { video, revision: await requestFirst(stores.uploads, video, claim, settings) };
}

/** Does a worker's part. */
const make = (encode: Encode, change: object = {}) => makeTiny(stores, encode, change);

const master = () => objects.get(`production/${videoKeys.master(video)}`) ?? '';

/** The last line of a segment; a dash where it has no cue. */
const wordsOf = (segment = '') => (segment.includes('-->') ? segment.split('\n').at(-2) : '-');

/** Every subtitle that the master offers: its name, and the words of its playlist's segments. */
function offered(): Record<string, string> {
  const lines = master().matchAll(/TYPE=SUBTITLES,.*NAME="([^"]*)".*URI="([^"]*)"/g);
  return Object.fromEntries(
    [...lines].map(([, name = '', uri = '']) => {
      const folder = `production/${videoKeys.root(video)}${uri.slice(0, uri.lastIndexOf('/'))}`;
      const playlist = objects.get(`${folder}/index.m3u8`) ?? '';
      const segments = playlist.split('\n').filter((line) => line.endsWith('.vtt'));
      return [name, segments.map((segment) => wordsOf(objects.get(`${folder}/${segment}`))).join()];
    }),
  );
}

beforeEach(() => {
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  stores = memoryStores();
});

describe('subtitles appear', () => {
  test('at once where the video plays, and nothing else of it changes', async () => {
    const encode = await upload();
    await make(encode);
    await publish(stores, encode);
    const before = new Map(objects);
    await addSubtitles(stores, video, english, SRT);
    expect(offered()).toEqual({ English: 'Hello,Hello,-,-' });
    const isNew = (key: string) => key.includes('/text/') || key.endsWith('/master.m3u8');
    for (const [key, text] of before) if (!isNew(key)) expect(objects.get(key)).toBe(text);
    expect([...objects.keys()].filter((key) => !isNew(key) && !before.has(key))).toEqual([]);
  });

  test('with the video where it is not encoded yet', async () => {
    const encode = await upload();
    await addSubtitles(stores, video, english, SRT);
    expect(master()).toBe('');
    await make(encode);
    await publish(stores, encode);
    expect(Object.keys(offered())).toEqual(['English']);
  });

  test('also where they come in the moment in which the video is published', async () => {
    const encode = await upload();
    await make(encode);
    /** Somebody adds subtitles after publish looked for them, and before it writes the master. */
    class Meddled extends ObjectStore {
      override async replace(...args: Parameters<ObjectStore['replace']>) {
        if (args[0] === videoKeys.master(video)) await addSubtitles(stores, video, english, SRT);
        return super.replace(...args);
      }
    }
    await publish(
      { ...stores, production: new Meddled(new S3Client({ region: 'us-east-1' }), 'production') },
      encode,
    );
    expect(Object.keys(offered())).toEqual(['English']);
  });

  test('after a re-encode and a rollback, cut as what plays', async () => {
    const encode = await upload();
    await make(encode);
    await publish(stores, encode);
    await addSubtitles(stores, video, english, SRT);
    const redriver = {
      stores,
      sqs: new SQSClient({ region: 'us-east-1' }),
      uploadsQueueUrl: 'http://127.0.0.1/uploads',
      settings: encodeSettingsSchema.parse({}),
    };
    const slow = encodeSettingsSchema.parse({ preset: 'slow' });
    const { revision } = await reencode(redriver, video, slow);
    await make({ video, revision }, { segmentFrames: 100 });
    await publish(stores, { video, revision });
    expect(master()).toContain(`\n${revision}/`);
    expect(offered()).toEqual({ English: 'Hello,-' });
    await rollback(redriver, video);
    expect(master()).toContain(`\n${encode.revision}/`);
    expect(offered()).toEqual({ English: 'Hello,Hello,-,-' });
  });
});

describe('several tracks', () => {
  beforeEach(async () => {
    const encode = await upload();
    await make(encode);
    await publish(stores, encode);
  });

  test('have their names, kinds and flags, and one is removed without the others', async () => {
    await addSubtitles(stores, video, { language: 'en', kind: 'captions' }, SRT);
    const german = await addSubtitles(stores, video, { language: 'ger', default: true }, OTHER);
    await addSubtitles(stores, video, { language: 'pt-BR', name: 'Letreiros "x"', kind: 'forced' }, SRT);
    expect(await listSubtitles(stores, video)).toMatchObject([
      { language: 'en', name: 'English (SDH)', kind: 'captions', default: false, cues: 1 },
      { language: 'ger', name: 'German', kind: 'subtitles', default: true, cues: 1 },
      { language: 'pt-BR', name: "Letreiros 'x'", kind: 'forced', default: false, cues: 1 },
    ]);
    expect(Object.keys(offered())).toEqual(['German', "Letreiros 'x'", 'English (SDH)']);
    expect(master()).toMatch(/NAME="German",LANGUAGE="de",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO/);
    await removeSubtitles(stores, video, german.id);
    expect(Object.keys(offered())).toEqual(["Letreiros 'x'", 'English (SDH)']);
  });

  test('that are the same are one; others of the same name are told apart', async () => {
    const first = await addSubtitles(stores, video, english, SRT);
    expect((await addSubtitles(stores, video, english, SRT)).id).toBe(first.id);
    await addSubtitles(stores, video, english, OTHER);
    expect(Object.keys(offered())).toEqual(['English', 'English 2']);
  });

  test('come and go at the same moment, and the master has what remains', async () => {
    const first = await addSubtitles(stores, video, { language: 'fr' }, SRT);
    await Promise.all([
      addSubtitles(stores, video, { language: 'en' }, SRT),
      removeSubtitles(stores, video, first.id),
      addSubtitles(stores, video, { language: 'de' }, SRT),
      addSubtitles(stores, video, { language: 'es' }, SRT),
    ]);
    expect(Object.keys(offered()).toSorted()).toEqual(['English', 'German', 'Spanish']);
  });
});

describe('a request is refused, and nothing is kept', () => {
  test.each<[string, SubtitlesRequest, Buffer, string | RegExp]>([
    ['an empty file', english, Buffer.alloc(0), 'empty'],
    [
      'a picture',
      english,
      Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0', 'latin1'),
      /not subtitles.*\.srt/,
    ],
    ['a text without times', english, Buffer.from('Once upon a time\n'), 'no line of times'],
    ['times without a text', english, Buffer.from('00:00:01,000 --> 00:00:02,000\n\n'), 'no text'],
    ['too large a file', english, Buffer.alloc(MAX_SUBTITLE_BYTES + 1, ' '), /4194305 bytes.*4194304/],
    ['what is no language', { language: 'englisch' }, SRT, "'englisch' is not a language"],
  ])('%s', async (_what, request, bytes, message) => {
    await upload();
    const before = objects.size;
    await expect(addSubtitles(stores, video, request, bytes)).rejects.toThrow(message);
    expect(objects.size).toBe(before);
  });

  test('a video, or a track, that does not exist', async () => {
    await expect(addSubtitles(stores, video, english, SRT)).rejects.toThrow(`no video ${video}`);
    expect(objects.size).toBe(0);
    await upload();
    await expect(removeSubtitles(stores, video, '../claim')).rejects.toThrow('it has: none');
  });
});
