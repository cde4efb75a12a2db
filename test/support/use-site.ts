/** One site, and one browser to look at it, for the tests of a file. */
import { afterAll, beforeAll } from '@jest/globals';
import { type Browser, type BrowserOptions, startBrowser, type Tab } from './chromium.ts';
import { type Site, startSite } from './site.ts';

export interface TestSite extends Site {
  /** Opens a tab of the browser. */
  newTab(): Promise<Tab>;
}

/** Starts both in `beforeAll`, and closes them in `afterAll`. */
export function useSite(options: BrowserOptions = {}): TestSite {
  const used = {} as TestSite; // whole after `beforeAll`, which is before anybody looks at it
  let site: Site | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    site = await startSite();
    browser = await startBrowser(options);
    // With what it answers only when it is asked, which `Object.assign` would ask now.
    Object.defineProperties(used, Object.getOwnPropertyDescriptors(site));
    used.newTab = browser.newTab;
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });
  return used;
}
