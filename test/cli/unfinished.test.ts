/** Uploads that have not ended are remembered for as long as their platform may still have what was sent. */
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { forgetOld, recall, remember } from '../../cli/unfinished.ts';
import { scratch } from '../support/spotreel.ts';

const DAY_MS = 24 * 3600 * 1000;
const NOW = Date.UTC(2030, 0, 1);

test.each([
  [10, 'the days that docs/lifecycle.md has for 500 GB on a slow line', 'id-1'],
  [365, 'which hardly any platform keeps parts for', undefined],
])('after %i days, %s, what is known of an upload is %s', async (days, _, known) => {
  const folder = await scratch();
  process.env['XDG_STATE_HOME'] = folder.path;
  const identity = { platform: 'https://a.example', path: '/film.mp4', size: 1, mtimeMs: 2 };
  await remember(identity, 'id-1');
  const uploads = join(folder.path, 'spotreel/uploads');
  const [file = ''] = await readdir(uploads);
  const then = new Date(NOW - days * DAY_MS);
  await utimes(join(uploads, file), then, then);
  await forgetOld(NOW);
  expect(await recall(identity)).toBe(known);
  await folder.remove();
});
