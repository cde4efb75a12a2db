/** Uploads from a browser to a platform that runs: a loop that does nothing else, and the upload page. */
import type { Page, Response } from 'playwright-core';
import { deleteVideos, PARALLEL, type Source, signedUpload, type Upload } from './node.ts';

/** Milliseconds after which the page is given up. */
const PAGE_MS = 30 * 60_000;

/** The bare loop in a page that has nothing else: what a browser can do. */
export async function bareLoopInPage(page: Page, source: Source): Promise<Upload> {
  const { parts, drop } = await signedUpload(source);
  await page.goto(`${source.url}/none`);
  await page.evaluate("document.body.innerHTML = '<input type=file>'");
  await page.locator('input').setInputFiles(source.file);
  return {
    async send() {
      await page.evaluate(`(async () => {
        const file = document.querySelector('input').files[0];
        const queue = ${JSON.stringify(parts)}.values();
        const putOnes = async () => {
          for (const { url, start, size } of queue) {
            const { status } = await fetch(url, { method: 'PUT', body: file.slice(start, start + size) });
            if (status !== 200) throw new Error('The bare loop was refused: ' + status);
          }
        };
        await Promise.all(Array.from({ length: ${PARALLEL} }, putOnes));
      })()`);
    },
    drop,
  };
}

/** The page, from the file's choice on. */
export async function uploadPage(page: Page, { file, url }: Source): Promise<Upload> {
  await page.goto(url, { waitUntil: 'networkidle' });
  return {
    async send() {
      // The page tries again where the platform refuses: only what is well ends it.
      const isEnd = (response: Response) => response.url().endsWith('/complete') && response.ok();
      await Promise.all([
        page.waitForResponse(isEnd, { timeout: PAGE_MS }),
        page.locator('#files').setInputFiles(file),
      ]);
    },
    drop: () => deleteVideos(url),
  };
}
