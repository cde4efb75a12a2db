/** The watch page in a real browser: what it says before there is something to play, and that it really plays. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { videoKeys } from '../../jobs/names.ts';
import { type Browser, browserTest, startBrowser, type Tab, until } from '../support/browser.ts';
import { TREE_SECONDS } from '../support/hls-tree.ts';
import { answer } from '../support/origin.ts';
import { choose } from '../support/player.ts';
import { type ListedVideo, PLAYABLE, READY } from '../support/site.ts';
import { useSite } from '../support/use-site.ts';

const site = useSite();
let tab: Tab;

beforeEach(async () => {
  tab = await site.newTab();
});

afterEach(async () => {
  expect(tab.problems).toEqual([]);
  await tab.page.close();
});

async function open(video: ListedVideo) {
  await site.show(video);
  await tab.page.goto(`${site.url}/watch?v=${video.id}`);
}

const playbackSchema = z.object({
  time: z.number(),
  paused: z.boolean(),
  ended: z.boolean(),
  muted: z.boolean(),
  seeking: z.boolean(),
  error: z.string().nullable(),
  width: z.number(),
  height: z.number(),
  duration: z.number().nullable(),
  frames: z.number(),
  audioBytes: z.number(),
});

async function playback(page = tab.page) {
  return playbackSchema.parse(
    await page.evaluate(`(() => {
      const video = document.querySelector('video') ?? document.createElement('video'); // before the player is there
      const { paused, ended, muted, seeking } = video;
      return {
        paused, ended, muted, seeking,
        time: video.currentTime,
        error: video.error?.message ?? null,
        width: video.videoWidth,
        height: video.videoHeight,
        duration: Number.isFinite(video.duration) ? video.duration : null,
        frames: video.getVideoPlaybackQuality().totalVideoFrames,
        audioBytes: video.webkitAudioDecodedByteCount,
      };
    })()`),
  );
}

/** What is seen now, as the pixels of a small canvas. */
const pixels = () =>
  tab.page.evaluate<number[]>(`(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 64, height: 36 });
    const context = canvas.getContext('2d');
    context.drawImage(document.querySelector('video'), 0, 0, 64, 36);
    return [...context.getImageData(0, 0, 64, 36).data];
  })()`);

const playedTo = (seconds: number) =>
  until(`${seconds} s are played`, async () => {
    const now = await playback();
    return !now.seeking && now.time >= seconds && now;
  });

const runs = (command: string) => tab.page.evaluate(`void document.querySelector('video').${command}`);

describe('a ready video', () => {
  browserTest('plays by itself to its end, with picture and sound', async () => {
    await open(READY);
    const early = await playedTo(0.5);
    const before = await pixels();
    const later = await playedTo(2);
    const after = await pixels();
    expect(later.frames).toBeGreaterThan(early.frames);
    expect(later.audioBytes).toBeGreaterThan(early.audioBytes);
    // The test pattern has strong colours, and parts of it move.
    expect(new Set(before).size).toBeGreaterThan(8);
    expect(after).not.toEqual(before);

    const end = await until('it has ended', async () => {
      const now = await playback();
      return now.ended && now;
    });
    expect(end).toMatchObject({ error: null, muted: false });
    expect(end.time).toBeCloseTo(TREE_SECONDS, 0);
    expect(end.duration).toBeCloseTo(TREE_SECONDS, 0);
  });

  browserTest('seeks forward and back', async () => {
    await open(READY);
    await playedTo(0.2);
    await runs('pause()');
    for (const seconds of [6.5, 1.5, 4]) {
      await tab.page.evaluate(`void (document.querySelector('video').currentTime = ${seconds})`);
      const { time } = await until('the seek is done', async () => {
        const now = await playback();
        return !now.seeking && now.time === seconds && now;
      });
      expect(time).toBe(seconds);
    }
    await runs('play()');
    expect((await playedTo(4.5)).error).toBeNull();
  });

  browserTest('lets the viewer choose a quality, and returns to automatic', async () => {
    await open(READY);
    await playedTo(0.2);
    for (const { name, height } of [
      { name: '180p', height: 180 },
      { name: '360p', height: 360 },
    ]) {
      await choose(tab.page, 'Quality', name);
      await tab.page.evaluate("void (document.querySelector('video').currentTime = 0.1)");
      await runs('play()');
      await until(`${name} is seen`, async () => (await playback()).height === height);
    }
    await choose(tab.page, 'Quality', /^Auto/);
  });

  browserTest('shows title, state, length and size', async () => {
    await open({ ...READY, findings: [{ code: 'vfr', text: 'The frame rate varies.' }] });
    await tab.page.getByRole('heading', { name: READY.title }).waitFor();
    expect(await tab.page.title()).toContain(READY.title);
    expect(await tab.page.locator('#state').textContent()).toBe('Ready');
    expect(await tab.page.locator('#facts').textContent()).toBe('0:08 · 360p · Mar 14, 2025');
    expect(await tab.page.locator('#findings li').allInnerTexts()).toEqual(['The frame rate varies.']);
  });
});

describe('chapters', () => {
  const list = () => tab.page.getByRole('region', { name: 'Chapters' });

  browserTest('are listed below the video, and a click leads to one', async () => {
    const chapters = [
      { startSeconds: 0, endSeconds: 6.25, title: 'Beginning' },
      { startSeconds: 6.25, endSeconds: 8, title: 'The <b>end</b>' },
    ];
    await open({ ...READY, chapters });
    await playedTo(0.2);
    await runs('pause()');
    expect(await list().getByRole('listitem').allTextContents()).toEqual([
      '0:00 Beginning',
      '0:06 The <b>end</b>',
    ]);
    await list().getByRole('button', { name: 'end' }).click();
    expect((await playedTo(6.25)).time).toBe(6.25);
    await list().getByRole('button', { name: 'Beginning' }).press('Enter');
    await until('it is at its beginning', async () => (await playback()).time === 0);
  });

  browserTest('that a video does not have take no place', async () => {
    await open(READY);
    await playedTo(0.2);
    expect(await tab.page.getByRole('heading', { name: 'Chapters' }).isVisible()).toBe(false);
  });
});

describe('a browser that wants a tap before sound', () => {
  let strict: Browser;
  beforeAll(async () => {
    strict = await startBrowser({ args: ['--autoplay-policy=document-user-activation-required'] });
    await site.show(READY);
  });
  afterAll(() => strict.close());

  /** Opens the page and waits until the video plays. @param master changes the multivariant playlist */
  async function play(master: (text: string) => string) {
    const { page, problems } = await strict.newTab();
    await page.route('**/master.m3u8', async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: master(await response.text()) });
    });
    // Whatever playwright evaluates in a page counts as a tap, so the page itself has to say when it plays.
    await page.addInitScript("addEventListener('playing', () => console.info('playing'), true)");
    const playing = page.waitForEvent('console', { predicate: (message) => message.text() === 'playing' });
    await page.goto(`${site.url}/watch?v=${READY.id}`);
    await playing;
    expect((await playback(page)).muted).toBe(true);
    return { page, problems };
  }

  browserTest('plays without it, and the page offers to turn it on', async () => {
    const { page, problems } = await play((text) => text);
    await page.getByRole('button', { name: 'Turn sound on' }).click();
    expect(await playback(page)).toMatchObject({ muted: false, paused: false });
    await page.getByRole('button', { name: 'Turn sound on' }).waitFor({ state: 'hidden' });
    expect(problems).toEqual([]);
  });

  browserTest('is offered none of a video that has none', async () => {
    const { page } = await play((text) =>
      text.replaceAll(/^#EXT-X-MEDIA:TYPE=AUDIO.*\n/gm, '').replaceAll(/,mp4a[^"]*|,AUDIO="[^"]*"/g, ''),
    );
    expect(await page.locator('#muted').isVisible()).toBe(false);
  });
});

describe('a video that is not ready', () => {
  const { playbackUrl: _, ...unpublished } = READY;

  browserTest('shows how far it is, and starts by itself when it is ready', async () => {
    await open({ ...unpublished, state: 'queued', percent: 0 });
    await tab.page.getByText('Waiting for a machine').waitFor();
    expect(await tab.page.getByRole('progressbar').count()).toBe(0);

    await site.show({ ...unpublished, state: 'encoding', percent: 42.7 });
    await tab.page.getByText('42 %', { exact: true }).waitFor();
    expect(await tab.page.getByRole('progressbar').getAttribute('value')).toBe('42.7');
    expect(await tab.page.locator('#state').textContent()).toBe('Encoding 42 %');

    await site.show(READY);
    await playedTo(0.5);
    expect(await tab.page.locator('#waiting').isVisible()).toBe(false);
  });

  browserTest.each([
    { heldBy: 'daily', says: 'It goes on after midnight UTC, or when its owner resumes.' },
    { heldBy: 'monthly', says: 'It goes on with the next month, or when its owner resumes.' },
  ] as const)('says that it waits for the $heldBy spending ceiling', async ({ heldBy, says }) => {
    await open({ ...unpublished, state: 'queued', percent: 0, heldBy });
    await tab.page.getByText(says).waitFor();
    const state = await tab.page.locator('#state').textContent();
    expect(state).toBe(`Waiting: the ${heldBy} spending ceiling is reached`);
  });

  browserTest('says why it failed', async () => {
    const message = 'This file is text, not video. Upload the video itself.';
    await open({ ...unpublished, state: 'failed', failure: { code: 'not-media', message } });
    await tab.page.getByText(message).waitFor();
    expect(await tab.page.locator('#state').textContent()).toBe('Failed');
    expect(await tab.page.locator('#player').isVisible()).toBe(false);
  });

  browserTest('plays what there is already, says that more comes, and stops where that fails', async () => {
    const { playbackUrl = '' } = READY;
    await open({ ...unpublished, id: PLAYABLE, state: 'encoding', percent: 40, playbackUrl, early: true });
    await until('it plays', async () => (await playback()).time > 0.2);
    await tab.page.getByText('still being encoded').waitFor();
    const message = 'The rest can not be decoded.';
    await site.show({ ...unpublished, id: PLAYABLE, state: 'failed', failure: { code: 'gave-up', message } });
    await tab.page.getByText(message).waitFor();
    expect(await playback()).toMatchObject({ paused: true });
    expect(await tab.page.getByText('still being encoded').isVisible()).toBe(false);
    await site.show(READY); // for somebody tried it again
    await playedTo(0.2);
    expect(await tab.page.locator('#failed').isVisible()).toBe(false);
  });

  browserTest('tells a screen reader its state, and not each percent', async () => {
    const said = () => tab.page.getByRole('status').allTextContents();
    await open({ ...unpublished, state: 'encoding', percent: 42.7 });
    await tab.page.getByText('Encoding 42 %').waitFor();
    expect((await said()).join()).toContain('Encoding');
    expect((await said()).join()).not.toMatch(/\d/);
    await site.show({ ...unpublished, state: 'encoding', percent: 61 });
    await tab.page.getByText('Encoding 61 %').waitFor();
    expect((await said()).join()).not.toMatch(/\d/);
  });

  browserTest('says so where there is no such video', async () => {
    await open({ ...READY, id: '00000000000000000000' });
    await site.show();
    await tab.page.reload();
    await tab.page.getByText('There is no such video').waitFor();
    // The page asks again whenever it comes into view; the browser itself reports each 404 that told so.
    await tab.page.goto('about:blank');
    expect(new Set(tab.problems.map((problem) => problem.includes('404')))).toEqual(new Set([true]));
    tab.problems.length = 0;
  });
});

describe('whoever may change a video', () => {
  const button = (name: string) => tab.page.getByRole('button', { name, exact: true });

  browserTest('edits it; who sees it with a token that may not, does not', async () => {
    await open({ ...READY, visibility: 'unlisted' });
    await button('Share').waitFor();
    expect(await button('Edit').isVisible()).toBe(false);
    expect(await tab.page.locator('#subtitles').isVisible()).toBe(false);
    await site.show({ ...READY, visibility: 'unlisted', mayChange: true });
    await tab.page.reload();
    await button('Edit').waitFor();
    await tab.page.locator('#subtitles').waitFor();
  });

  browserTest('is told why it can not be deleted', async () => {
    await tab.page.route(`**/api/videos/${PLAYABLE}`, (route) =>
      route.request().method() === 'DELETE'
        ? route.fulfill({ status: 409, json: { detail: 'It is being looked at.' } })
        : route.continue(),
    );
    await open({ ...READY, visibility: 'unlisted', mayChange: true });
    await button('Edit').click();
    await button('Delete …').click();
    await button('Delete').click();
    await tab.page.getByText('It is being looked at.').waitFor();
    expect(tab.problems.splice(0)).toEqual([expect.stringContaining('409')]);
  });
});

describe('an API that does not tell of the video', () => {
  const answers = (page: Page, status: number) =>
    page.route(`**/api/videos/${PLAYABLE}`, (route) =>
      'authorization' in route.request().headers() || status !== 401
        ? route.fulfill({ status, json: { detail: 'No' } })
        : route.continue(),
    );
  /** Takes from the problems what the browser reports of such an answer. */
  const forget = (status: number) => {
    tab.problems.splice(
      0,
      Number.POSITIVE_INFINITY,
      ...tab.problems.filter((problem) => !problem.includes(`${status}`)),
    );
  };

  browserTest('because of a token that has ended: says so, and signing out plays it', async () => {
    await tab.page.goto(`${site.url}/none`);
    forget(404);
    await tab.page.evaluate("localStorage.setItem('spotreel-token', 'ended')");
    await answers(tab.page, 401);
    await open(READY);
    await tab.page.getByRole('heading', { name: 'API token has ended' }).waitFor();
    await tab.page.getByRole('button', { name: 'Sign out' }).click();
    await playedTo(0.2);
    expect(await tab.page.getByRole('button', { name: 'Sign out' }).isVisible()).toBe(false);
    forget(401);
  });

  browserTest.each([
    { page: 'the watch page', path: `/watch?v=${PLAYABLE}` },
    { page: 'the embedded player', path: `/embed/${PLAYABLE}` },
  ])('for a while: $page asks until it does, and does not call it missing', async ({ path }) => {
    await answers(tab.page, 403);
    await site.show(READY);
    await tab.page.goto(`${site.url}${path}`);
    await tab.page.getByText('The server does not answer').waitFor();
    expect(await tab.page.getByText('There is no such video').isVisible()).toBe(false);
    await tab.page.unroute(`**/api/videos/${PLAYABLE}`);
    await tab.page.locator('media-controller').waitFor();
    forget(403);
  });

  browserTest('any more, for it was deleted: ends the player, and its sound', async () => {
    await open(READY);
    await playedTo(0.2);
    await answers(tab.page, 404);
    await tab.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))");
    await tab.page.getByText('There is no such video').waitFor();
    await until('it is gone', async () => (await tab.page.locator('video').count()) === 0);
    await tab.page.goto('about:blank');
    forget(404);
  });
});

browserTest('a player whose scripts do not come is told', async () => {
  await tab.page.route(/\/assets\/menu-/, (route) => route.abort());
  await open(READY);
  await tab.page.getByRole('heading', { name: 'The player could not be loaded' }).waitFor();
  tab.problems.splice(
    0,
    Number.POSITIVE_INFINITY,
    ...tab.problems.filter((problem) => !problem.includes('net::ERR_FAILED')),
  );
});

describe('trouble on the way', () => {
  const key = (name: string) => `${videoKeys.root(PLAYABLE)}${name}`;

  beforeEach(async () => {
    // What an earlier test has left in the cache would play without asking.
    const protocol = await tab.page.context().newCDPSession(tab.page);
    await protocol.send('Network.enable');
    await protocol.send('Network.setCacheDisabled', { cacheDisabled: true });
  });

  afterEach(() => site.origin.special.clear());

  /** Takes from the problems what the browser reports of answers that the test made fail. */
  function forgetFailedRequests() {
    const rest = tab.problems.filter((problem) => !problem.includes('status of 502'));
    tab.problems.splice(0, Number.POSITIVE_INFINITY, ...rest);
  }

  const isTold = (words: string) => tab.page.locator('#trouble', { hasText: words }).waitFor();

  browserTest.each([
    { playlist: 'the master playlist', names: ['master.m3u8'] },
    { playlist: 'every video playlist', names: ['360p.m3u8', '180p.m3u8'] },
    { playlist: 'the audio playlist', names: ['sound.m3u8'] },
  ])('$playlist failing is told, and playing starts once it is back', async ({ names }) => {
    for (const name of names)
      site.origin.special.set(key(name), (_, response) => response.writeHead(500).end());
    await open(READY);
    await isTold('The connection was lost. Trying again');
    site.origin.special.clear();
    await playedTo(0.5);
    await tab.page.locator('#trouble').waitFor({ state: 'hidden' });
    forgetFailedRequests();
  });

  /** Every segment of the picture is garbage; the initialization before them is not, for hls.js keeps that. */
  function spoilPicture() {
    for (const name of ['360p', '180p']) {
      const object = site.objects.get(key(`${name}.mp4`));
      const playlist = site.objects.get(key(`${name}.m3u8`))?.body.toString();
      const start = Number(/EXT-X-MAP:.*BYTERANGE="(\d+)@0"/.exec(playlist ?? '')?.[1]);
      if (object === undefined) throw new Error(`The test stream has no ${name}.mp4`);
      const body = Buffer.alloc(object.body.length, 'garbage');
      object.body.copy(body, 0, 0, start);
      site.origin.special.set(key(`${name}.mp4`), (request, response) =>
        answer(request, response, { ...object, body }),
      );
    }
  }

  browserTest('segments of garbage are told, and playing starts once they are whole', async () => {
    spoilPicture();
    await open(READY);
    await isTold('The picture got stuck. Trying again');
    site.origin.special.clear();
    await playedTo(0.5);
    await tab.page.locator('#trouble').waitFor({ state: 'hidden' });
  });

  browserTest('segments that stay garbage are told as what cannot be decoded', async () => {
    spoilPicture();
    await open(READY);
    await isTold('This browser cannot decode the video.');
  });
});
