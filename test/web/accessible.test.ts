/** Each page, in both themes, breaks none of the rules that a machine can check: WCAG 2.2 A and AA, and best practices. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { browserTest } from '../support/browser.ts';
import { openSettings } from '../support/player.ts';
import { type ListedVideo, READY } from '../support/site.ts';
import { useSite } from '../support/use-site.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const { playbackUrl: _, ...unpublished } = READY;
const ENCODING: ListedVideo = { ...unpublished, id: '00000000000000000001', state: 'encoding', percent: 42 };
const FAILED: ListedVideo = {
  ...unpublished,
  id: '00000000000000000002',
  state: 'failed',
  mayChange: true,
  failure: { code: 'not-media', message: 'This file is text, not video. Upload the video itself.' },
};
const WHOLE: ListedVideo = {
  ...READY,
  visibility: 'unlisted',
  mayChange: true,
  chapters: [
    { startSeconds: 0, endSeconds: 4, title: 'Beginning' },
    { startSeconds: 4, endSeconds: 8, title: 'End' },
  ],
  findings: [{ code: 'vfr', text: 'The frame rate varies.' }],
  spent: {
    tasks: 6,
    cpuSeconds: 13,
    bytes: 2_500_000,
    startedAt: '2025-03-14T15:09:26Z',
    finishedAt: '2025-03-14T15:10:22Z',
    machines: 1,
  },
};

const dialog = (open: string, name: string) => async (page: Page) => {
  await page.getByRole('button', { name: open, exact: true }).click();
  await page.locator(name).waitFor();
};
const player = (page: Page) => page.locator('media-controller').waitFor();

/** What there is to look at: videos, where, and what one waits for or does there. */
const SIGHTS: readonly {
  readonly sight: string;
  readonly path: string;
  readonly videos?: readonly ListedVideo[];
  readonly prepare: (page: Page) => Promise<unknown>;
}[] = [
  { sight: 'an empty library', path: '/', prepare: (page) => page.locator('.drop.first').waitFor() },
  {
    sight: 'a library',
    path: '/',
    videos: [ENCODING, WHOLE, FAILED],
    prepare: (page) => page.locator('#videos > li').nth(2).waitFor(),
  },
  {
    sight: 'a menu of a card',
    path: '/',
    videos: [FAILED],
    prepare: (page) => page.locator('#videos summary').click(),
  },
  {
    sight: 'a question',
    path: '/',
    videos: [WHOLE],
    async prepare(page) {
      await page.locator('#videos summary').click();
      await page.getByRole('button', { name: 'Delete …' }).click();
    },
  },
  { sight: 'a video', path: `/watch?v=${READY.id}`, videos: [WHOLE], prepare: player },
  {
    sight: 'the settings of the player',
    path: `/watch?v=${READY.id}`,
    videos: [WHOLE],
    async prepare(page) {
      await player(page);
      await openSettings(page, 'Speed');
    },
  },
  {
    sight: 'sharing',
    path: `/watch?v=${READY.id}`,
    videos: [WHOLE],
    prepare: dialog('Share', '#share-dialog'),
  },
  {
    sight: 'editing',
    path: `/watch?v=${READY.id}`,
    videos: [WHOLE],
    prepare: dialog('Edit', '#edit-dialog'),
  },
  {
    sight: 'a video that is encoded',
    path: `/watch?v=${ENCODING.id}`,
    videos: [ENCODING],
    prepare: (page) => page.locator('#waiting').waitFor(),
  },
  {
    sight: 'a video that failed',
    path: `/watch?v=${FAILED.id}`,
    videos: [FAILED],
    prepare: (page) => page.locator('#failed').waitFor(),
  },
  { sight: 'the player in a frame', path: `/embed/${READY.id}`, videos: [WHOLE], prepare: player },
  { sight: 'no page', path: '/none', prepare: (page) => page.getByRole('heading').waitFor() },
];

const violationsSchema = z.array(
  z.object({ id: z.string(), nodes: z.array(z.object({ html: z.string(), failureSummary: z.string() })) }),
);

describe.each(['light', 'dark'] as const)('in %s colours', (colorScheme) => {
  const site = useSite({ context: { colorScheme } });

  browserTest.each(SIGHTS)('$sight is accessible', async ({ path, videos = [], prepare }) => {
    await site.show(...videos);
    const { page } = await site.newTab();
    await page.goto(`${site.url}${path}`);
    await prepare(page);
    // Evaluated by the debugger, so that the page's policy, which forbids other scripts, holds while it is looked at.
    await page.evaluate(AXE);
    const violations = await page.evaluate('axe.run().then(({ violations }) => violations)');
    expect(violationsSchema.parse(violations)).toEqual([]);
    await page.close();
  });
});
