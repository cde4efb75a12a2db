/** What a worker tells of its encodes: no more than is done, about once a second, and never after their end. */

import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { Live } from '../../jobs/live-message.ts';
import type { Task } from '../../jobs/messages.ts';
import { jobKeys, newVideoId, revisionOf, workerKey } from '../../jobs/names.ts';
import { doneTasks, mediaTasks, taskName } from '../../jobs/progress.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { tailSeconds } from '../../jobs/time-left.ts';
import { EARLY_PATH } from '../../video/early.ts';
import { LiveProgress } from '../../worker-scripts/live-progress.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';
import { tinyPlan } from '../support/tiny-video.ts';

const s3 = mockClient(S3Client);
const objects: Objects = new Map();
const stores = {
  uploads: new ObjectStore(new S3Client({}), 'uploads'),
  production: new ObjectStore(new S3Client({}), 'production'),
};
const video = newVideoId();
const revision = revisionOf({ etag: 'e', size: 5 }, {});
const encode = { video, revision };
const plan = tinyPlan(revision);
const chunk = (index: number): Task => ({ kind: 'chunk', index, ...encode });

let told: Live[];
let progress: LiveProgress;
const announcer = {
  announce(message: Live | (() => Promise<Live>)) {
    if (typeof message === 'function') throw new Error('A worker knows what it tells');
    told.push(message);
  },
};

beforeEach(() => {
  jest.useFakeTimers();
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  told = [];
  progress = new LiveProgress(announcer, stores, 2);
});
afterEach(() => {
  jest.useRealTimers();
});

const sleep = (seconds: number) => new Promise<void>((done) => setTimeout(done, seconds * 1000));
const later = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);

test('a plan is told with all that it says', () => {
  progress.planned(encode, plan);
  expect(told).toMatchObject([
    { id: video, revision, state: 'encoding', percent: 0, durationSeconds: 8, findings: plan.findings },
  ]);
});

test('parts of a chunk count: a quarter of one of two equal chunks is an eighth of the video', async () => {
  const part = progress.begin(chunk(0), plan);
  part?.reached(0.25);
  await later(1);
  expect(told.at(-1)).toMatchObject({ percent: Math.floor(990 / 8) / 10, encodedSeconds: 1 });
});

test('however often ffmpeg says how far it is, followers hear about once a second', async () => {
  const part = progress.begin(chunk(0), plan);
  for (let step = 0; step < 100; step++) {
    part?.reached(step / 100);
    await later(50);
  }
  expect(told.length).toBeGreaterThan(4);
  expect(told.length).toBeLessThan(8);
});

test('a chunk that comes to nothing is taken back, and nothing more is told', async () => {
  const part = progress.begin(chunk(0), plan);
  part?.reached(0.5);
  await later(1);
  part?.ended(false);
  const before = told.length;
  await later(5000);
  expect(told).toHaveLength(before);
});

test('nothing is told of an encode before S3 said what others did: it would be far too little', async () => {
  s3.on(ListObjectsV2Command).callsFake(async () => {
    await sleep(1);
    const Key = jobKeys.receipt(video, revision, taskName(chunk(1)));
    return { Contents: [{ Key, LastModified: new Date() }] };
  });
  progress.begin(chunk(0), plan);
  await later(1500);
  expect(told.map(({ encodedSeconds }) => encodedSeconds)).toEqual([4]);
});

test('an encode that ended while S3 was asked of it is told no more', async () => {
  progress.begin(chunk(0), plan);
  progress.forget(encode);
  await later(5000);
  expect(told).toEqual([]);
});

test('what other workers did is told as soon as S3 was asked', async () => {
  const part = progress.begin(chunk(0), plan);
  part?.ended(true);
  progress.saw(encode, new Set([0, 1].map((index) => taskName(chunk(index)))));
  await later(1);
  expect(told.at(-1)).toMatchObject({ encodedSeconds: 8 });
});

test('where its beginning plays is told, while it is not private', async () => {
  objects.set(`production/v/${video}/${revision}/${EARLY_PATH}`, '');
  progress.begin(chunk(0), plan);
  const toldNow = async () => {
    progress.saw(encode, new Set());
    await later(1);
    return told.at(-1)?.playbackUrl;
  };
  const path = await toldNow();
  expect(path).toMatch(`/v/${video}/`);
  await stores.uploads.putJson(jobKeys.edits(video), { visibility: 'private' });
  expect(await toldNow()).toBeUndefined();
  await stores.uploads.putJson(jobKeys.edits(video), { visibility: 'public' });
  expect(await toldNow()).toBe(path);
});

test('once everything is made workers are silent: a late "encoding" would be kept over "ready"', async () => {
  const part = progress.begin(chunk(0), plan);
  await later(1);
  part?.reached(0.5);
  part?.ended(true);
  const before = told.length;
  progress.saw(encode, new Set(mediaTasks(encode, plan).map(taskName)));
  await later(5000);
  expect(told).toHaveLength(before);
});

test('after an encode has ended nothing of it is told, though a message was due', async () => {
  const part = progress.begin(chunk(0), plan);
  await later(1);
  part?.reached(0.5);
  const before = told.length;
  progress.forget(encode);
  await later(5000);
  expect(told).toHaveLength(before);
});

test('a file for downloading is made of a video that plays: of that nothing is told', async () => {
  expect(progress.begin({ kind: 'download', ...encode }, plan)).toBeUndefined();
  await later(5000);
  expect(told).toEqual([]);
});

describe('of what another machine does S3 knows nothing until it is done', () => {
  const long = { ...plan, audio: [], workSeconds: 120 };
  const [first, second] = [chunk(0), chunk(1)];

  beforeEach(async () => {
    for (const id of ['i-own', 'i-other']) await stores.uploads.putJson(workerKey(id), {});
  });

  test('it goes on meanwhile, as fast as this one', async () => {
    const part = progress.begin(first, long);
    for (let done = 0; done < 0.95; done += 0.01) {
      part?.reached(done);
      await later(600);
    }
    // Of 60 seconds of work each has 3 left.
    expect(told.at(-1)?.secondsLeft).toBeLessThan(12);
  });

  test('where tasks are done already, it is in the middle of one, more or less', async () => {
    const thirds = { ...long, frames: 6 * long.gopFrames, workSeconds: 180 };
    const chunks = [0, 2, 4].map((gop) => ({ from: gop * long.gopFrames, to: (gop + 2) * long.gopFrames }));
    await stores.uploads.putJson(jobKeys.receipt(video, revision, taskName(first)), {});
    progress.begin(second, { ...thirds, chunks })?.reached(0.99);
    await later(1);
    expect(told.at(-1)?.secondsLeft).toBeGreaterThan(25);
    expect(told.at(-1)?.secondsLeft).toBeLessThan(35);
  });
});

test('the time left of sound, which does not tell how far it is, falls as time goes by', async () => {
  const { picture, ...sound } = { ...plan, chunks: [], workSeconds: 60, frames: 36_000 };
  progress.begin({ kind: 'audio', index: 0, ...encode }, sound);
  await later(1);
  await later(10_000);
  progress.saw(encode, new Set());
  await later(1);
  const [before, after] = [told[0]?.secondsLeft ?? 0, told.at(-1)?.secondsLeft ?? 0];
  expect(before - after).toBeCloseTo(10, 0);
});

describe('time left', () => {
  /** Seconds that are nothing: near the end every fraction is large. */
  const UNNOTICED_SECONDS = 3;

  interface Machine {
    readonly name: string;
    /** Of the seconds that are left. @default 0.3 */
    readonly within?: number;
    readonly slots: number;
    /** How many there are; another one's tasks are known as S3 knows them. @default 1 */
    readonly machines?: number;
    /** Of the plan's work, by a lane. */
    readonly perSecond: number;
    /** Seconds until the first of a chunk comes out, and from its last to its receipt. */
    readonly start: number;
    readonly end: number;
  }

  /** A minute as it is cut: a short beginning, for somebody waits to see it, then chunks of one length. */
  const GOP = tinyPlan(revision).gopFrames;
  const EDGES = [0, 1, 4, 7, 10, 13, 15];
  const minute = {
    ...plan,
    audio: [],
    frames: 15 * GOP,
    chunks: EDGES.slice(1).map((to, index) => ({ from: (EDGES[index] ?? 0) * GOP, to: to * GOP })),
    workSeconds: 120,
  };

  /** Works on the chunks as a worker does. @returns what was told, when, and when it was ready */
  async function work({ slots, machines = 1, perSecond, start, end }: Machine) {
    progress = new LiveProgress(announcer, stores, slots);
    for (let machine = 0; machine < machines; machine++)
      await stores.uploads.putJson(workerKey(`i-${machine}`), {});
    const since = Date.now();
    const heard: { readonly at: number; readonly live: Live }[] = [];
    const now = () => (Date.now() - since) / 1000;
    const waiting = minute.chunks.map((_, index) => index);
    const lanes = Array.from({ length: slots * machines }, async (_, lane) => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const { from, to } = minute.chunks[index] ?? { from: 0, to: 0 };
        const seconds = (minute.workSeconds * (to - from)) / minute.frames / perSecond;
        const isOwn = lane % machines === 0;
        const part = isOwn ? progress.begin(chunk(index), minute) : undefined;
        await sleep(start);
        for (let step = 0.5; step < seconds; step += 0.5) {
          await sleep(0.5);
          part?.reached(step / seconds);
        }
        part?.reached(1);
        await sleep(end);
        part?.ended(true);
        await stores.uploads.putJson(jobKeys.receipt(video, revision, taskName(chunk(index))), {});
        if (isOwn) progress.saw(encode, await doneTasks(stores.uploads, encode));
      }
    });
    const all = Promise.all(lanes);
    let isDone = false;
    const ended = all.then(() => {
      isDone = true;
    });
    while (!isDone) {
      const before = told.length;
      await later(100);
      const live = told.at(-1);
      if (live && told.length > before) heard.push({ at: now(), live });
    }
    await ended;
    return { heard, ready: now() + tailSeconds(minute.frames / 25) };
  }

  test.each<Machine>([
    { name: 'as fast as the plan', slots: 2, perSecond: 1, start: 0.5, end: 0.2 },
    { name: 'three times as fast', slots: 2, perSecond: 3, start: 0.5, end: 0.2 },
    { name: 'that is shared with others', slots: 2, perSecond: 0.3, start: 3, end: 2 },
    { name: 'that is slow at all but encoding', slots: 2, perSecond: 2, start: 8, end: 6 },
    { name: 'of one slot, shared with others', slots: 1, perSecond: 0.3, start: 3, end: 2 },
    // Where in its task the other one is nobody knows.
    { name: 'that is one of two', within: 0.5, slots: 1, machines: 2, perSecond: 0.5, start: 0.5, end: 0.2 },
  ])('by a machine $name: from the first quarter on it is about right', async (machine) => {
    const { heard, ready } = await work(machine);
    const judged = heard.filter(({ at }) => at > ready / 4);
    expect(judged.length).toBeGreaterThan(5);
    for (const { at, live } of judged) {
      const left = ready - at;
      const error = Math.abs((live.secondsLeft ?? 0) - left);
      expect(error).toBeLessThanOrEqual(Math.max(UNNOTICED_SECONDS, (machine.within ?? 0.3) * left));
    }
  });
});
