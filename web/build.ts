/**
 * Builds the pages with Vite into a folder of the cache that is named after what they are made of: nothing is built
 * twice, and a folder that is there is whole. Run by `files.ts`, as a process of its own.
 */
import { renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { argv } from 'node:process';
import { build } from 'vite';
import { NAMED_BY_CONTENT } from './files.ts';

/** Each is a page of its own, with the scripts and styles that it names. */
const PAGES = ['index.html', 'watch.html', 'embed.html', '404.html'];

/** Browsers that have all of what the pages use: those of the last two years. */
const TARGET = 'es2022';

/** Kilobytes of the largest script: hls.js and what is around it. */
const LARGEST_SCRIPT_KB = 900;

const [, , folder = ''] = argv;
if (folder === '') throw new Error('Which folder shall the pages be built into?');
const half = `${folder}.${process.pid}`;

await build({
  configFile: false,
  root: import.meta.dirname,
  logLevel: 'warn',
  publicDir: false,
  build: {
    target: TARGET,
    outDir: half,
    emptyOutDir: true,
    assetsDir: NAMED_BY_CONTENT,
    // Styles and icons stay files: the pages' policy knows no `data:`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: LARGEST_SCRIPT_KB,
    rolldownOptions: {
      checks: { pluginTimings: false }, // a busy machine is nothing to warn of
      input: Object.fromEntries(
        PAGES.map((page) => [basename(page, '.html'), join(import.meta.dirname, page)]),
      ),
    },
  },
});
try {
  renameSync(half, folder);
} catch (error) {
  rmSync(half, { recursive: true });
  // Whoever else built it just now made the same.
  const { code } = error as NodeJS.ErrnoException; // `renameSync` throws nothing else
  if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
}
