/** The library page in a real browser. */
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { browserTest, type Tab, until } from '../support/browser.ts';
import { type ListedVideo, READY } from '../support/site.ts';
import { useSite } from '../support/use-site.ts';

const ENCODING: ListedVideo = {
  ...READY,
  id: '00000000000000000001',
  state: 'encoding',
  title: '<b>Wedding</b> & dance 100 %.mov',
  percent: 42.7,
  durationSeconds: 3675,
};
const QUEUED: ListedVideo = {
  id: '00000000000000000002',
  state: 'queued',
  title: 'drone.mp4',
  uploadedAt: READY.uploadedAt,
  percent: 0,
};
const FAILED: ListedVideo = {
  ...QUEUED,
  id: '00000000000000000003',
  state: 'failed',
  title: 'notes.mp4',
  failure: { code: 'not-media', message: 'This file is text, not video. Upload the video itself.' },
};

const site = useSite();
let tab: Tab;

beforeEach(async () => {
  tab = await site.newTab();
});

afterEach(async () => {
  expect(tab.problems).toEqual([]);
  await tab.page.close();
});

async function open(videos: readonly ListedVideo[]) {
  await site.show(...videos);
  await tab.page.goto(site.url);
  await tab.page
    .locator(videos.length === 0 ? '.drop.first' : '#videos > li')
    .first()
    .waitFor();
}

const card = (title: string) => tab.page.locator('#videos > li').filter({ hasText: title });

/** Puts the tab out of sight, or back into it, as switching tabs does. */
async function setHidden(hidden: boolean) {
  await tab.page.evaluate(`
    Object.defineProperty(document, 'hidden', { configurable: true, value: ${hidden} });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
}

describe('the library', () => {
  browserTest('where there is no video is a large place to drop some', async () => {
    await open([]);
    expect(await tab.page.locator('.drop.first').textContent()).toContain('Drop videos here');
    expect(await tab.page.getByRole('button', { name: 'Choose files' }).isVisible()).toBe(true);
  });

  browserTest('lists the videos in the order of the API, each a link to its page', async () => {
    await open([ENCODING, QUEUED, READY, FAILED]);
    expect(await tab.page.locator('.title').allInnerTexts()).toEqual(
      [ENCODING, QUEUED, READY, FAILED].map(({ title }) => title),
    );
    await tab.page.getByRole('link', { name: READY.title }).click();
    await tab.page.waitForURL(`${site.url}/watch?v=${READY.id}`);
  });

  browserTest('shows state, progress, length and picture size as far as they are known', async () => {
    await open([ENCODING, QUEUED, READY, FAILED]);
    const part = async (title: string, name: string) => card(title).locator(name).textContent();
    expect(await part(ENCODING.title, '.state')).toBe('Encoding 42 %');
    expect(await card(ENCODING.title).getByRole('progressbar').getAttribute('value')).toBe('42.7');
    expect(await part(ENCODING.title, '.duration')).toBe('1:01:15');
    expect(await part(ENCODING.title, '.facts')).toBe('360p · Mar 14, 2025');
    expect(await part(QUEUED.title, '.state')).toBe('Waiting');
    expect(await part(QUEUED.title, '.facts')).toBe('Mar 14, 2025');
    expect(await part(READY.title, '.duration')).toBe('0:08');
    expect(await part(FAILED.title, '.state')).toBe(FAILED.failure?.message);
    for (const { title } of [QUEUED, READY, FAILED])
      expect(await card(title).getByRole('progressbar').count()).toBe(0);
    expect(await tab.page.locator('#count').textContent()).toBe('4 videos, 2 in progress');
  });

  browserTest('offers to change a video to those alone who may', async () => {
    await open([
      { ...FAILED, mayChange: true },
      { ...READY, visibility: 'unlisted' },
    ]);
    const choices = async (title: string) => {
      await card(title).locator('summary').click();
      return card(title).getByRole('button').allTextContents();
    };
    expect(await choices(FAILED.title)).toEqual(['Copy link', 'Try again', 'Delete …']);
    expect(await choices(READY.title)).toEqual(['Copy link']);
  });

  browserTest('follows by itself what goes on, and keeps the focus where it is', async () => {
    await open([ENCODING, READY]);
    await tab.page.getByRole('link', { name: READY.title }).focus();
    await site.show(QUEUED, { ...ENCODING, state: 'ready', percent: 100 }, READY);
    await card(QUEUED.title).waitFor();
    expect(await tab.page.locator('.title').allInnerTexts()).toEqual([
      QUEUED.title,
      ENCODING.title,
      READY.title,
    ]);
    expect(await card(ENCODING.title).textContent()).not.toContain('Encoding');
    expect(await tab.page.evaluate('document.activeElement.textContent')).toContain(READY.title);
  });

  browserTest('shows progress as it is told, without asking for the list', async () => {
    await open([ENCODING]);
    await tab.page.waitForLoadState('networkidle');
    const asked: string[] = [];
    tab.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await site.show({ ...ENCODING, percent: 61.2 });
    await card(ENCODING.title).getByText('Encoding 61 %').waitFor();
    expect(await card(ENCODING.title).getByRole('progressbar').getAttribute('value')).toBe('61.2');
    expect(asked.filter((path) => path === '/api/videos')).toEqual([]);
  });

  browserTest('asks anew when it comes into sight, and never out of it', async () => {
    await open([READY]);
    await tab.page.waitForLoadState('networkidle');
    const asked: string[] = [];
    tab.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await setHidden(true);
    expect(asked).toEqual([]);
    await setHidden(false);
    await until('it asks again in sight', async () => asked.includes('/api/videos'));
  });

  browserTest('says that the server does not answer, and goes on when it does', async () => {
    await open([ENCODING]);
    await tab.page.route('**/api/videos*', (route) => route.abort());
    await setHidden(false);
    await tab.page.getByRole('alert').waitFor();
    expect(await tab.page.getByRole('alert').textContent()).toContain('does not answer');
    expect(await card(ENCODING.title).count()).toBe(1);
    await tab.page.unroute('**/api/videos*');
    await tab.page.getByRole('alert').waitFor({ state: 'hidden' });
    // The browser itself reports each request that was cut off.
    expect(tab.problems.every((problem) => problem.includes('net::ERR_FAILED'))).toBe(true);
    tab.problems.length = 0;
  });
});
