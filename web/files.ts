/**
 * The pages: which URL path is which file on disk. The local edge serves this list, the stack deploys it.
 * There is no build step; hls.js comes as its package ships it.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const PAGES = ['index.html', 'watch.html', '404.html'];

const ASSETS = [
  'style.css',
  'icon.svg',
  'library.js',
  'watch.js',
  'player.js',
  'menu.js',
  'quality.js',
  'captions.js',
  'chapters.js',
  'videos.js',
  'words.js',
];

/** hls.js as an ES module, with alternate audio (the light build has none), and the worker that it starts. */
const PACKAGED = [
  { path: '/assets/hls.js', module: 'hls.js/dist/hls.min.mjs' },
  { path: '/assets/hls.worker.js', module: 'hls.js/dist/hls.worker.js' },
];

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const { resolve } = createRequire(import.meta.url);

/** Every file of the pages: its URL path and where it is on disk. */
export function webFiles(): ReadonlyArray<{ readonly path: string; readonly file: string }> {
  return [
    ...PAGES.map((name) => ({ path: `/${name}`, file: here(name) })),
    ...ASSETS.map((name) => ({ path: `/assets/${name}`, file: here(name) })),
    ...PACKAGED.map(({ path, module }) => ({ path, file: resolve(module) })),
  ];
}

/** The page for whatever is not there: CloudFront's error page, with status 404. */
export const NOT_FOUND_PATH = '/404.html';

/** The source of the CloudFront Function that turns pretty URLs into paths of `webFiles`. */
export const REWRITE_FILE = here('rewrite.js');
