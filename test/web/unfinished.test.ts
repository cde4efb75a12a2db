/** What the library offers of uploads that this browser has begun and not finished. */
import { afterEach, beforeEach, expect } from '@jest/globals';
import type { Page, Route } from 'playwright-core';
import { browserTest, until } from '../support/browser.ts';
import { useSite } from '../support/use-site.ts';

const UPLOAD = { id: '5jz8m2c0xk4t7w9qv1rb', name: 'wedding.mov', size: 3e8, lastModified: 1 };
const MULTIPART = { id: UPLOAD.id, method: 'multipart', size: UPLOAD.size, partSize: 1e8, partCount: 3 };

const site = useSite();
let page: Page;

/** Does something with what the browser keeps of uploads (web/upload/remembered.ts), and says what it gave. */
const inStore = <T>(work: string) =>
  page.evaluate<T>(`new Promise((done) => {
    const request = indexedDB.open('spotreel', 1);
    request.onupgradeneeded = () => request.result.createObjectStore('uploads', { keyPath: 'id' });
    request.onsuccess = () => {
      const transaction = request.result.transaction('uploads', 'readwrite');
      const given = transaction.objectStore('uploads').${work};
      transaction.oncomplete = () => {
        request.result.close();
        done(given.result);
      };
    };
  })`);

beforeEach(async () => {
  ({ page } = await site.newTab());
  await page.goto(`${site.url}/none`); // a page that does nothing with uploads
  await inStore(`put(${JSON.stringify(UPLOAD)})`);
});
afterEach(() => page.close());

const offer = () => page.locator('#uploads > li').filter({ hasText: UPLOAD.name }).locator('.words');

/** Opens the library while the API says this of the upload. */
async function openWhile(answer: (route: Route) => Promise<void>) {
  await page.route('**/api/uploads/**', answer);
  await page.goto(site.url);
}

const refusal = (status: number) => (route: Route) =>
  route.fulfill({ status, contentType: 'application/problem+json', body: JSON.stringify({ detail: 'No' }) });

browserTest('an upload is offered with how much of it is there', async () => {
  await openWhile((route) =>
    route.fulfill({
      json: route.request().url().endsWith('/parts')
        ? { partSize: 1e8, partCount: 3, parts: [{ number: 2, size: 1e8, etag: '"a"' }] }
        : MULTIPART,
    }),
  );
  await offer().getByText('33 % was uploaded. Choose the same file again').waitFor();
});

browserTest.each([
  { answer: 'signed out (401)', does: refusal(401) },
  { answer: 'with another token (403)', does: refusal(403) },
  { answer: 'while the platform has trouble (500)', does: refusal(500) },
  { answer: 'without network', does: (route: Route) => route.abort() },
])('an upload is offered still $answer', async ({ does }) => {
  await openWhile(does);
  await offer().getByText('Choose the same file again').waitFor();
  await page.reload();
  await offer().getByText('Choose the same file again').waitFor();
});

browserTest.each([404, 410])('an upload that is not there any more (%i) is forgotten', async (status) => {
  await openWhile(refusal(status));
  await until('it is forgotten', async () => (await inStore<unknown[]>('getAll()')).length === 0);
  expect(await offer().count()).toBe(0);
});
