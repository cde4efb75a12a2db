/**
 * Debian's Chromium, headless, driven through playwright-core: pages that remember everything that went wrong in
 * them. Chromium decodes H.264 and AAC, as `npm test` needs it (package `chromium`).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContextOptions, chromium, type Page } from 'playwright-core';

export const EXECUTABLE = '/usr/bin/chromium';

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
  // Nobody is here to tap before there may be sound.
  '--autoplay-policy=no-user-gesture-required',
];

/** The address of a platform of this machine, as this Chromium finds it. */
export const inChromium = (url: string): string => url.replace('localhost', '127.0.0.1');

/** Milliseconds after which what is waited for will not come. It measures nothing: the machine may be busy with other things. */
export const PATIENCE = 180_000;

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
  /** Folder of a profile that outlives the browser. @default a fresh one, which does not */
  readonly profile?: string;
  /** More arguments for Chromium; of one that is said twice, the last counts. */
  readonly args?: readonly string[];
}

function watch(page: Page): Tab {
  const problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  return { page, problems };
}

/** Starts Chromium. */
export async function startBrowser({
  context,
  profile: kept,
  args = [],
}: BrowserOptions = {}): Promise<Browser> {
  const profile = kept ?? (await mkdtemp(join(tmpdir(), 'spotreel-chromium-')));
  const browser = await chromium.launchPersistentContext(profile, {
    executablePath: EXECUTABLE,
    headless: true,
    args: [...ARGUMENTS, ...args],
    locale: 'en-US',
    timezoneId: 'UTC',
    ...context,
  });
  browser.setDefaultTimeout(PATIENCE);
  return {
    newTab: async () => watch(await browser.newPage()),
    async close() {
      await browser.close();
      if (kept === undefined) await rm(profile, { recursive: true, force: true });
    },
  };
}

/**
 * Waits until a check yields something that is neither `false` nor `undefined`, and returns it.
 * Not playwright's `waitForFunction`: that needs `eval`, which the pages' policy forbids.
 */
export async function until<T>(
  what: string,
  check: () => Promise<T>,
): Promise<Exclude<T, false | undefined>> {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const value = await check();
    // TypeScript does not narrow a type parameter by comparison; these two values are what Exclude takes away.
    if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`Waited three minutes in vain until ${what}`);
}
