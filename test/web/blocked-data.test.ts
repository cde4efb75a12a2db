/** The pages in a browser that lets sites keep nothing ("Block all cookies"). */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { type Browser, browserTest, startBrowser, until } from '../support/browser.ts';
import { PLAYABLE, READY, type Site, startSite } from '../support/site.ts';
import { scratch } from '../support/spotreel.ts';

/** Chromium's "block" (components/content_settings/core/common/content_settings.h). */
const BLOCK = 2;

let folder: Awaited<ReturnType<typeof scratch>>;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  folder = await scratch();
  const profile = join(folder.path, 'profile');
  await mkdir(join(profile, 'Default'), { recursive: true });
  const settings = { profile: { default_content_setting_values: { cookies: BLOCK } } };
  await writeFile(join(profile, 'Default/Preferences'), JSON.stringify(settings));
  browser = await startBrowser({ profile });
  site = await startSite();
  await site.show(READY);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await folder?.remove();
});

browserTest('a video plays, and the theme changes', async () => {
  const { page, problems } = await browser.newTab();
  await page.goto(`${site.url}/watch?v=${PLAYABLE}`);
  expect(await page.evaluate("(() => { try { return !localStorage } catch { return 'blocked' } })()")).toBe(
    'blocked',
  );
  await until(
    'it plays',
    async () => (await page.evaluate<number>("document.querySelector('video')?.currentTime ?? 0")) > 0.2,
  );
  await page.getByRole('button', { name: 'Use dark colours' }).click();
  await page.getByRole('button', { name: 'Use light colours' }).waitFor();
  expect(problems).toEqual([]);
  await page.close();
});

browserTest('the library lists videos, and a file is uploaded and paused', async () => {
  const { page, problems } = await browser.newTab();
  const id = '5jz8m2c0xk4t7w9qv1rb';
  const asked: string[] = [];
  await page.route('**/api/uploads**', (route) => {
    asked.push(`${route.request().method()} ${new URL(route.request().url()).pathname}`);
    return route.fulfill({
      json: { id, method: 'put', size: 3, url: `${site.url}/put`, headers: {}, expiresAt: READY.uploadedAt },
    });
  });
  await page.route('**/put', () => {}); // never answers: it is being sent
  await page.goto(site.url);
  await page.locator('#videos > li').waitFor();
  await page
    .locator('#files')
    .setInputFiles({ name: 'clip.mp4', mimeType: 'video/mp4', buffer: Buffer.from('abc') });
  const row = page.locator('#uploads > li');
  await row.getByRole('button', { name: /^Pause/ }).click();
  await row.getByRole('button', { name: /^Resume/ }).click();
  await until('it goes on with the same upload', async () => asked.includes(`GET /api/uploads/${id}`));
  expect(asked.filter((request) => request === 'POST /api/uploads')).toHaveLength(1);
  expect(problems).toEqual([]);
  await page.close();
});
