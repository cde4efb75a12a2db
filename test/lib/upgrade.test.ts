/**
 * An upgrade replaces nothing that holds something. `golden/release.json` is what the last release made, and until 0.1.0 is
 * out what main made when the state got a stack of its own. It is written anew with a release, and never to make a change
 * pass: CloudFormation would delete what vanishes from it.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { deployment } from './support/deployment.ts';
import { lastingOf } from './support/lasting.ts';

const release = z
  .record(z.string(), z.unknown())
  .parse(JSON.parse(readFileSync(new URL('golden/release.json', import.meta.url), 'utf8')));
const today = lastingOf(deployment());

test.each(Object.entries(release))('%s of the last release is as it was', (id, lasting) => {
  expect(today[id]).toEqual(lasting);
});

test('new settings replace nothing, either', () => {
  const settings = {
    ...{
      maxVcpus: 64,
      zones: 2,
      architectures: 'arm64',
      turnaroundSeconds: 600,
      idleSeconds: 30,
      priceClass: 'all',
    },
    ...{
      corsOrigins: 'https://example.org',
      encodeSettings: '{"preset":"slow"}',
      videosInFlight: 1,
      rootVolumeGib: 40,
      prebakedImage: 'true',
    },
  };
  expect(lastingOf(deployment(settings))).toEqual(today);
});
