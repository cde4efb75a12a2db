/** retry, reencode and rollback, as a person types them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from '@jest/globals';
import { newVideoId } from '../../jobs/names.ts';
import { jsonOfCli, runCli } from '../support/cli.ts';
import { ffmpeg } from '../support/media.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const id = newVideoId();
const spotreel = useSpotreel();

beforeAll(async () => {
  const clip = spotreel.path('clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=25:duration=4', clip);
  await spotreel.uploadAs(id, clip);
  expect(await spotreel.ended(id)).toBe('ready');
});

/** Runs the command line; what it printed. */
async function run(...args: string[]) {
  const [answer] = await jsonOfCli([...args, '--url', spotreel.url]);
  return answer;
}

/** The folder that the master playlist points into. */
async function playing(): Promise<string | undefined> {
  const master = await (await fetch(`${spotreel.url}/v/${id}/master.m3u8`)).text();
  return /^([0-9a-f]{12})\//m.exec(master)?.[1];
}

test('a re-encode plays when it is whole, a rollback brings back what was before, at once', async () => {
  const first = await playing();
  const { revision } = await run('reencode', id, '--settings', '{"preset":"superfast"}');
  expect(revision).not.toBe(first);
  while ((await playing()) !== revision) await sleep(250);
  expect(await run('rollback', id)).toEqual({ revision: first });
  expect(await playing()).toBe(first);
});

test('a retry of a video that is ready does nothing', async () => {
  expect(await run('retry', id)).toMatchObject({ requeued: false });
});

test.each([
  ['a video that is not there', ['retry', newVideoId()], /There is no video/, 1],
  ['a setting that there is none of', ['reencode', id, '--settings', '{"presett":"slow"}'], /presett/, 1],
  ['settings that are no JSON', ['reencode', id, '--settings', 'slow'], /JSON/, 2],
  ['a revision that is not there', ['rollback', id, '--to', '0123456789ab'], /no complete revision/, 1],
])('%s is refused by name', async (_, args, words, code) => {
  const ended = await runCli([...args, '--url', spotreel.url]);
  expect(ended).toMatchObject({ code, stderr: expect.stringMatching(words) });
});
