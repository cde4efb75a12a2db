/** docs/limits.md says what the code says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { LARGEST_PART, LARGEST_UPLOAD, MOST_PARTS } from '../../api/parts.ts';
import { MARK_KEPT_MS } from '../../jobs/deletion.ts';
import { KEPT_MS } from '../../jobs/idempotency.ts';
import { deadlineMs } from '../../jobs/mend.ts';
import {
  API_THROTTLE,
  API_TIMEOUT_SECONDS,
  DEPLOYED,
  INCOMPLETE_UPLOAD_DAYS,
  QUEUES,
  uploadExpiries,
  WEBHOOK_RETRY_SECONDS,
} from '../../jobs/platform.ts';
import { MAX_POSTER_BYTES } from '../../jobs/posters.ts';
import { MAX_SUBTITLE_BYTES } from '../../jobs/subtitles.ts';
import { MAX_INSTANCE_TYPES } from '../../lib/instance-types.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { MAX_CUES } from '../../video/text/webvtt.ts';

const page = readFileSync(join(import.meta.dirname, '../../docs/limits.md'), 'utf8');
const { maxBytes, maxDurationSeconds, maxPixels, maxFrames, maxTracks, maxAudioTracks } =
  encodeSettingsSchema.parse({});
const HOUR = 3600;
const DAY = 24 * HOUR;
const MiB = 1024 ** 2;
const daysOf = (prefix: string) =>
  uploadExpiries(INCOMPLETE_UPLOAD_DAYS).find((rule) => rule.prefix === prefix)?.days;
const webhookHours = WEBHOOK_RETRY_SECONDS.reduce((sum, seconds) => sum + seconds, 0) / HOUR;

test.each<[what: string, limit: string]>([
  ['file', `${maxBytes / 1e9} GB`],
  ['length', `${maxDurationSeconds / HOUR} hours`],
  ['picture', `${maxPixels} pixels (7680 x 4320)`],
  ['pictures', `${maxFrames}`],
  ['tracks of any kind', `${maxTracks}`],
  ['audio tracks that are encoded', `${maxAudioTracks}`],
  ['subtitle cues of a track', `${MAX_CUES}`],
  [
    'an upload',
    `${(LARGEST_UPLOAD / 1024 ** 4).toFixed(1)} TiB, of ${MOST_PARTS} parts of ${LARGEST_PART / 1024 ** 3} GiB`,
  ],
  ['an upload, from its beginning to its end', `${INCOMPLETE_UPLOAD_DAYS} day`],
  ['requests, all callers', `${API_THROTTLE.requestsPerSecond} a second, ${API_THROTTLE.burst} at once`],
  ['an answer', `${API_TIMEOUT_SECONDS} seconds`],
  ['an added poster', `${MAX_POSTER_BYTES / MiB} MiB`],
  ['an added subtitle file', `${MAX_SUBTITLE_BYTES / MiB} MiB`],
  ['an `Idempotency-Key`', `${KEPT_MS / 1000 / HOUR} hours`],
  ['vCPUs at once', `${DEPLOYED.maxVcpus}`],
  ['on-demand vCPUs among them', `${DEPLOYED.maxOnDemandVcpus}`],
  ['instance types an architecture', `${MAX_INSTANCE_TYPES}`],
  [
    'an encode',
    `${deadlineMs(0) / 1000 / HOUR} hours, and ${(deadlineMs(1e9) - deadlineMs(0)) / 1000 / HOUR} hour for each gigabyte of its source`,
  ],
  ['losses of a task', `${QUEUES.tasks.maxReceiveCount}`],
  ['a task in the queue', `${QUEUES.tasks.retentionSeconds / DAY} days`],
  ['a worker that keeps a task without a heartbeat', `${QUEUES.tasks.visibilityTimeoutSeconds} seconds`],
  ["an upload's event in the queue", `${QUEUES.uploads.retentionSeconds / DAY} days`],
  ['tries of a webhook', `${WEBHOOK_RETRY_SECONDS.length + 1}, within ${Math.round(webhookHours)} hours`],
  ['a deleted video’s mark, and its entry at the edge', `${MARK_KEPT_MS / 1000 / DAY} days`],
  ['what no endpoint took, for a replay', `${daysOf('webhooks/undelivered/')} days`],
])('%s: %s', (what, limit) => {
  expect(page).toContain(`| ${what} | ${limit} |`);
});
