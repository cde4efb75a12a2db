/** What a worker tells of its encodes: no more than is done, about once a second, and never after their end. */

import { S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import type { Live } from '../../jobs/live-message.ts';
import type { Task } from '../../jobs/messages.ts';
import { newVideoId, revisionOf } from '../../jobs/names.ts';
import { mediaTasks, taskName } from '../../jobs/progress.ts';
import { ObjectStore } from '../../jobs/store.ts';
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

beforeEach(() => {
  jest.useFakeTimers();
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
  told = [];
  const announcer = {
    announce(message: Live | (() => Promise<Live>)) {
      if (typeof message === 'function') throw new Error('A worker knows what it tells');
      told.push(message);
    },
  };
  progress = new LiveProgress(announcer, stores, 2);
});
afterEach(() => {
  jest.useRealTimers();
});

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

test('what other workers did is told as soon as S3 was asked', async () => {
  const part = progress.begin(chunk(0), plan);
  part?.ended(true);
  progress.saw(encode, new Set([0, 1].map((index) => taskName(chunk(index)))));
  await later(1);
  expect(told.at(-1)).toMatchObject({ encodedSeconds: 8 });
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

describe('time left', () => {
  /** Works on both chunks at once, at a steady pace. @returns what was told at each tenth */
  async function encodeIn(seconds: number): Promise<Live[]> {
    const parts = [0, 1].map((index) => progress.begin(chunk(index), plan));
    const tenths: Live[] = [];
    for (let step = 1; step <= seconds; step++) {
      await later(1000);
      for (const part of parts) part?.reached(step / seconds);
      const last = told.at(-1);
      if (last) tenths.push(last);
    }
    return tenths;
  }

  test.each([20, 60, 200])(
    'an encode of %i s: from the first quarter on it is right within 30 percent',
    async (seconds) => {
      const states = await encodeIn(seconds);
      for (const { percent, secondsLeft = 0 } of states.filter((live) => live.percent > 25)) {
        // By what the message itself knows, plus the pictures and the publishing that come after.
        const left = seconds * (1 - percent / 99) + 2;
        expect(Math.abs(secondsLeft - left) / left).toBeLessThan(0.3);
      }
      expect(states.at(-1)?.speed).toBeCloseTo(8 / seconds, 1);
    },
  );
});
