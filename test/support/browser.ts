/**
 * Debian's Chromium, headless, driven through playwright-core: pages that remember everything that went wrong in
 * them. Chromium decodes H.264 and AAC, as `npm test` needs it (package `chromium`).
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@jest/globals';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const EXECUTABLE = '/usr/bin/chromium';

/** Keeps Chromium to what the test asks of it: no updates, no reports, nothing but loopback. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

export interface Tab {
  readonly page: Page;
  /** Console errors and warnings, policy violations, uncaught errors: one line each. */
  readonly problems: string[];
}

export interface Browser {
  /** A new tab on a fresh profile's only window. */
  newTab(): Promise<Tab>;
  close(): Promise<void>;
}

export interface BrowserOptions {
  readonly context?: Pick<BrowserContextOptions, 'colorScheme' | 'viewport' | 'deviceScaleFactor'>;
  /** More arguments for Chromium, such as an autoplay policy. */
  readonly args?: readonly string[];
}

/** `test` where Chromium is installed; elsewhere the tests are skipped, and the reason is printed. */
export const browserTest = existsSync(EXECUTABLE) ? test : skipped();

function skipped() {
  console.warn(`${EXECUTABLE} is absent: browser tests are skipped. Install it: apt-get install chromium`);
  return test.skip;
}

function watch(page: Page): Tab {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  return { page, problems };
}

/** Starts Chromium with a fresh profile, which is gone after `close`. */
export async function startBrowser({ context, args = [] }: BrowserOptions = {}): Promise<Browser> {
  const profile = await mkdtemp(join(tmpdir(), 'spotreel-chromium-'));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    headless: true,
    args: [...ARGUMENTS, ...args],
    ...context,
  });
  return {
    newTab: async () => watch(await browser.newPage()),
    async close() {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
