/** A video plays from its beginning on while it is encoded, and leaves no trace of that. */
import { S3Client } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { claimVideo } from '../../jobs/claim.ts';
import { extendEarly, recordPart } from '../../jobs/early.ts';
import { recordFailure } from '../../jobs/failed.ts';
import { jobKeys, newVideoId, type Revision, sourceKey, type TaskName, videoKeys } from '../../jobs/names.ts';
import { doneTasks, taskName, writeReceipt } from '../../jobs/progress.ts';
import { publish, type Stores } from '../../jobs/publish.ts';
import { requestFirst } from '../../jobs/requests.ts';
import { videoStatus } from '../../jobs/status.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { isWorthwhile } from '../../video/early.ts';
import { partSegments, partsOf, segmentsOfParts } from '../../video/parts.ts';
import type { Receipt } from '../../video/receipt.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { memoryStores, type Objects, serveS3 } from '../support/memory-s3.ts';
import { tinyPlan, tinyReceipts } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
const objects: Objects = new Map();
const video = newVideoId();
let revision: Revision;
let stores: Stores;

const [sound, first, second] = tinyReceipts() as [Receipt, Receipt, Receipt]; // it has so many
const RENDITIONS = ['audio-0', '360p', '240p'];
const plan = () => tinyPlan(revision);
const encode = () => ({ video, revision });

beforeEach(async () => {
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  stores = memoryStores();
  const time = '2026-01-02T03:04:05.000Z';
  const source = { bucket: 'uploads', key: sourceKey(video), etag: 'e1', size: 5, time };
  const { claim } = await claimVideo(stores.uploads, source);
  revision = await requestFirst(stores.uploads, video, claim, encodeSettingsSchema.parse({}));
  await stores.uploads.putOnceJson(jobKeys.plan(video, revision), plan());
});

/** A task is done, and its media are there. */
async function finish(receipt: Receipt): Promise<void> {
  for (const { rendition, file, bytes } of receipt.objects) {
    const key = videoKeys.media(video, revision, `${rendition}/${file}`);
    await stores.production.putOnce(key, 'x'.repeat(bytes), { contentType: 'video/mp4' });
  }
  await writeReceipt(stores.uploads, encode(), receipt);
}

const extend = async (done?: ReadonlySet<TaskName>) =>
  extendEarly(stores, encode(), plan(), done ?? (await doneTasks(stores.uploads, encode())));

const published = (path: string) => objects.get(`production/${videoKeys.media(video, revision, path)}`);
const media = () => RENDITIONS.map((name) => published(`${name}/index.m3u8`));
const segments = () => media().map((text) => text?.match(/#EXTINF/g)?.length ?? 0);

/** The first part of the sound is stored: one segment. */
async function hearOne(): Promise<void> {
  const [whole] = sound.objects;
  if (!whole) throw new Error('the sound has no object');
  const part = { ...whole, fragments: whole.fragments.slice(0, 1) };
  await recordPart(stores.uploads, { kind: 'audio', ...encode(), index: 0 }, 0, part);
}

describe('what plays', () => {
  test.each([
    ['no sound', async () => finish(first)],
    ['no picture', async () => finish(sound)],
    ['a later chunk alone', async () => Promise.all([finish(sound), finish(second)])],
  ])('is nothing while there is %s', async (_, happen) => {
    await happen();
    await extend();
    expect([...media(), published('early.m3u8')]).toEqual([undefined, undefined, undefined, undefined]);
    expect(await videoStatus(stores, video)).not.toHaveProperty('playbackUrl');
  });

  test('is what every rendition has from the beginning on', async () => {
    await Promise.all([finish(first), hearOne()]);
    await extend();
    expect(segments()).toEqual([1, 1, 1]);
    await finish(sound);
    await extend();
    expect(segments()).toEqual([2, 2, 2]);
  });

  test('is heard in the first sound: no other one is waited for', async () => {
    await Promise.all([finish(first), hearOne()]);
    const [english] = plan().audio;
    if (!english) throw new Error('the plan has no sound');
    const other = { ...english, language: 'de', name: 'Deutsch' };
    const both = { ...plan(), audio: [english, other] };
    await extendEarly(stores, encode(), both, await doneTasks(stores.uploads, encode()));
    expect(published('early.m3u8')).toContain('audio-0/index.m3u8');
    expect(published('early.m3u8')).not.toContain('audio-1');
  });

  test('is nothing where there should be sound and it is broken', async () => {
    await Promise.all([finish(first), finish({ ...sound, objects: [], unmade: 'audio-0' })]);
    await extend();
    expect(published('early.m3u8')).toBeUndefined();
  });

  test('is nothing where a receipt is gone meanwhile, and no error', async () => {
    await Promise.all([finish(first), hearOne()]);
    const done = await doneTasks(stores.uploads, encode());
    objects.delete(
      `uploads/${jobKeys.receipt(video, revision, taskName({ kind: 'chunk', ...encode(), index: 0 }))}`,
    );
    await extend(done);
    expect(published('early.m3u8')).toBeUndefined();
  });

  test('is looked up a few parts at a time', async () => {
    await Promise.all([finish(first), hearOne()]);
    const [part] = [...objects].filter(([key]) => key.includes(jobKeys.parts(video, revision)));
    if (!part) throw new Error('there is no part');
    const [key, text] = part;
    for (let index = 1; index < 100; index++)
      objects.set(key.replace('00000', String(index).padStart(5, '0')), text);
    let most = 0;
    let reading = 0;
    const getJson = stores.uploads.getJson.bind(stores.uploads);
    jest.spyOn(stores.uploads, 'getJson').mockImplementation(async (...args) => {
      most = Math.max(most, ++reading);
      const read = await getJson(...args);
      reading--;
      return read;
    });
    await extend();
    expect(most).toBeLessThanOrEqual(20);
  });

  test('says that more will come, and where to begin', async () => {
    await Promise.all([finish(first), finish(sound)]);
    await extend();
    for (const text of media()) {
      expect(text).toContain('#EXT-X-PLAYLIST-TYPE:EVENT\n');
      expect(text).toContain('#EXT-X-START:TIME-OFFSET=0\n');
      expect(text).not.toContain('#EXT-X-ENDLIST');
    }
  });

  test('grows at its end alone', async () => {
    await Promise.all([finish(first), finish(sound)]);
    await extend();
    const before = media();
    await finish(second);
    await extend();
    for (const [index, text] of media().entries()) expect(text?.startsWith(before[index] ?? '-')).toBe(true);
    expect(segments()).toEqual([3, 4, 4]);
  });

  test('is named by the status until the video plays for good', async () => {
    await Promise.all([finish(first), finish(sound)]);
    await extend();
    const playbackUrl = `/${videoKeys.media(video, revision, 'early.m3u8')}`;
    expect(await videoStatus(stores, video)).toMatchObject({ state: 'encoding', playbackUrl, early: true });
    await finish(second);
    await publish(stores, encode());
    const ready = await videoStatus(stores, video);
    expect(ready).toMatchObject({ state: 'ready', playbackUrl: `/${videoKeys.master(video)}` });
    expect(ready).not.toHaveProperty('early');
  });

  test('is offered no more where the encode failed', async () => {
    await Promise.all([finish(first), finish(sound)]);
    await extend();
    await recordFailure(stores.uploads, encode(), { code: 'gave-up', message: 'It can not be made.' });
    const failed = await videoStatus(stores, video);
    expect(failed).toMatchObject({ state: 'failed' });
    expect(failed).not.toHaveProperty('playbackUrl');
  });

  test('is nothing of a re-encode: what plays already goes on', async () => {
    await stores.production.put(videoKeys.master(video), 'ffffffffffff/360p/index.m3u8', {
      contentType: 'application/vnd.apple.mpegurl',
    });
    await Promise.all([finish(first), finish(sound)]);
    await extend();
    expect(media()).toEqual([undefined, undefined, undefined]);
  });
});

/** A bucket's objects for a worker that stands still before it first replaces one, while `meanwhile` happens. */
class StalledStore extends ObjectStore {
  #meanwhile: (() => Promise<unknown>) | undefined;

  static over(bucket: string, meanwhile: () => Promise<unknown>): StalledStore {
    const store = new StalledStore(new S3Client({ region: 'us-east-1' }), bucket);
    store.#meanwhile = meanwhile;
    return store;
  }

  override async update(...args: Parameters<ObjectStore['update']>): Promise<boolean> {
    const meanwhile = this.#meanwhile;
    this.#meanwhile = undefined;
    await meanwhile?.();
    return super.update(...args);
  }
}

describe('a worker that stood still before it wrote', () => {
  const some = new Set(['audio-00000', 'chunk-00000']) as Set<TaskName>; // they are made of task names
  const stallDuring = (meanwhile: () => Promise<unknown>) =>
    extendEarly(
      { ...stores, production: StalledStore.over('production', meanwhile) },
      encode(),
      plan(),
      some,
    );

  beforeEach(async () => {
    await Promise.all([finish(first), finish(second), finish(sound)]);
  });

  test('does not shorten what another lengthened', async () => {
    await stallDuring(() => extend());
    expect(segments()).toEqual([3, 4, 4]);
  });

  test('leaves what was published as it is', async () => {
    let tree: Objects = new Map();
    await stallDuring(async () => {
      await publish(stores, encode());
      tree = new Map(objects);
    });
    expect(objects).toEqual(tree);
  });
});

describe('the published tree', () => {
  const tree = () => [...objects].filter(([key]) => key.startsWith('production/')).toSorted();

  async function publishAll(early: boolean, ...receipts: Receipt[]) {
    for (const key of objects.keys()) if (/^production|\/(done|parts)\//.test(key)) objects.delete(key);
    if (early) await hearOne();
    for (const receipt of receipts) {
      await finish(receipt);
      if (early) await extend();
    }
    if (early) expect(segments()).not.toEqual([0, 0, 0]);
    await publish(stores, encode());
    return tree();
  }

  test('is the same, whether any of it played before or not', async () => {
    const played = await publishAll(true, first, sound, second);
    expect(played).toEqual(await publishAll(false, first, sound, second));
  });

  test('ends a sound that some of played and that turned out to be broken', async () => {
    const broken = { ...sound, objects: [], unmade: 'audio-0' };
    const played = await publishAll(true, first, second, broken);
    expect(published('audio-0/index.m3u8')).toMatch(/TYPE:VOD\n#EXT-X-ENDLIST\n$/);
    expect(published('early.m3u8')).not.toContain('audio-0');
    expect(played).toEqual(await publishAll(false, first, second, broken));
  });
});

test.each([
  ['a first segment', 0, 1, true],
  ['nothing new', 1, 1, false],
  ['one more of nine', 9, 10, true],
  ['one more of twenty', 20, 21, false],
  ['a tenth more', 20, 22, true],
  ['the last one', 99, 100, true],
  ['less', 20, 10, false],
])('is let play where it is worth new playlists: %s', (_, had, have, worthwhile) => {
  const long = { ...tinyPlan('000000000000'), frames: 5000 };
  expect(isWorthwhile(long, had, have)).toBe(worthwhile);
});

test('a sound comes in short parts first', () => {
  expect([0, 1, 2, 5, 6, 7].map(partSegments)).toEqual([1, 2, 4, 32, 50, 50]);
  expect([0, 1, 3, 7].map(segmentsOfParts)).toEqual([0, 1, 7, 113]);
  expect([0, 1, 2, 7, 8, 113, 114].map(partsOf)).toEqual([0, 1, 2, 3, 4, 7, 8]);
});
