/** Machines that never come up are launched less and less often. */
import { S3Client } from '@aws-sdk/client-s3';
import { beforeEach, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { cameUp, launchPace, rememberLaunch } from '../../jobs/starts.ts';
import { ObjectStore } from '../../jobs/store.ts';
import { type Objects, serveS3 } from '../support/memory-s3.ts';

const s3 = mockClient(S3Client);
const objects: Objects = new Map();
const uploads = new ObjectStore(new S3Client({}), 'uploads');
const atMinute = (minute: number) => Date.parse('2026-01-02T00:00:00Z') + minute * 60_000;

beforeEach(() => {
  s3.reset();
  objects.clear();
  serveS3(s3, objects);
});

/** Sweeps each minute, each of which finds tasks and no machine, and launches what it may. @returns the minutes of launches */
async function sweeps(from: number, to: number): Promise<string[]> {
  const launches: string[] = [];
  for (let minute = from; minute < to; minute++) {
    const pace = await launchPace(uploads, atMinute(minute));
    if (pace === 'none') continue;
    launches.push(`${minute} ${pace}`);
    await rememberLaunch(uploads, atMinute(minute));
  }
  return launches;
}

test('five minutes long any number is launched, then one after twice the time, and at last one an hour', async () => {
  expect(await sweeps(0, 300)).toEqual([
    ...['0 any', '1 any', '2 any', '3 any', '4 any', '5 any'],
    ...['10 one', '20 one', '40 one', '80 one', '140 one', '200 one', '260 one'],
  ]);
});

test('one worker that comes up ends that', async () => {
  await sweeps(0, 100);
  expect(await launchPace(uploads, atMinute(100))).toBe('none');
  await cameUp(uploads);
  expect(await sweeps(100, 103)).toEqual(['100 any', '101 any', '102 any']);
});

test('machines that come up are no reason to wait, however many are launched', async () => {
  for (let minute = 0; minute < 60; minute++) {
    expect(await sweeps(minute, minute + 1)).toEqual([`${minute} any`]);
    await cameUp(uploads);
  }
});

test('what was launched in vain long ago does not count any more', async () => {
  await sweeps(0, 30);
  expect(await sweeps(200, 202)).toEqual(['200 any', '201 any']);
});

test('a worker that comes up writes nothing where nothing is remembered', async () => {
  await cameUp(uploads);
  expect(objects.size).toBe(0);
});
