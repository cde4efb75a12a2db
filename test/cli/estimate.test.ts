/** `spotreel estimate` tells costs at its owner's prices, as the platform does by the setting of that name. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { LIST_PRICES } from '../../video/prices.ts';
import { jsonOfCli, runCli } from '../support/cli.ts';
import { ffmpeg } from '../support/media.ts';
import { scratch } from '../support/spotreel.ts';

let folder: Awaited<ReturnType<typeof scratch>>;
let clip: string;
beforeAll(async () => {
  folder = await scratch();
  clip = join(folder.path, 'clip.mp4');
  await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25:duration=2', clip);
});
afterAll(() => folder.remove());

test('prices that are given count in the place of the list’s, the others as they are', async () => {
  const { vcpuHour, addressHour, diskMonth, s3Month } = LIST_PRICES;
  const machine = { vcpuHour: vcpuHour * 10, addressHour: addressHour * 10, diskMonth: diskMonth * 10 };
  const own = JSON.stringify({ ...machine, s3Month: s3Month * 3 });
  const [[listed], [owned]] = await Promise.all([
    jsonOfCli(['estimate', clip]),
    jsonOfCli(['estimate', clip, '--prices', own]),
  ]);
  expect(listed.cost.machines).toBeGreaterThan(0);
  expect(owned.cost.machines / listed.cost.machines).toBeCloseTo(10, 6);
  expect(owned.cost.storageMonth / listed.cost.storageMonth).toBeCloseTo(3, 6);
  expect(owned.cost.requests).toBe(listed.cost.requests);
});

test.each([
  ['a name that no price has', '{"vcpuMinute":1}', 'vcpuMinute'],
  ['a price below nothing', '{"vcpuHour":-1}', 'vcpuHour'],
  ['a price in words', '{"vcpuHour":"cheap"}', 'vcpuHour'],
])('%s is refused by name', async (_, prices, name) => {
  const ended = await runCli(['estimate', clip, '--prices', prices]);
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(new RegExp(`--prices: .*${name}`)) });
});
