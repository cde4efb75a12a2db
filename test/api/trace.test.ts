/** Who may see a video's trace, and what of its records stays inside. */
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { recordAttempt } from '../../jobs/attempts.ts';
import { recordFailure } from '../../jobs/failed.ts';
import { jobKeys, newVideoId, type Revision, type VideoId } from '../../jobs/names.ts';
import { requestRevision } from '../../jobs/requests.ts';
import { traceSchema } from '../../video/trace/span.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { captureLog } from '../support/log-lines.ts';
import { makeTiny } from '../support/tiny-video.ts';

const FIRST = 'aaaaaaaaaaaa' as Revision; // of its form, as the next
const SECOND = 'bbbbbbbbbbbb' as Revision;
const UPLOADED = '2026-11-21T12:00:00.000Z';

let api: TestApi;
const tokens = { upload: '', read: '' };
let video: VideoId;
beforeAll(async () => {
  api = await startTestApi();
  for (const scope of ['upload', 'read'] as const) tokens[scope] = await api.token(scope);
  captureLog();
  video = newVideoId();
  const { stores } = api.context;
  await stores.uploads.putJson(jobKeys.claim(video), {
    ...{ video, bucket: 'uploads', key: 'k', etag: 'e', size: 1, uploadedAt: UPLOADED },
  });
  await requestRevision(stores.uploads, video, FIRST);
  await makeTiny(stores, { video, revision: FIRST });
  await recordAttempt(
    stores.uploads,
    { kind: 'chunk', index: 0, video, revision: FIRST },
    {
      ...{ at: '2026-11-21T12:01:00.000Z', instance: 'i-2', receiveCount: 1, outcome: 'failed' },
      error: 'AccessDenied: arn:aws:s3:::secret',
    },
  );
  await recordFailure(stores.uploads, { video, revision: FIRST }, { code: 'gave-up', message: 'No luck.' });
});
afterAll(async () => {
  jest.restoreAllMocks();
  await api.close();
});

const ask = (query = '', token = tokens.read) => api.ask('GET', `/api/videos/${video}/trace${query}`, token);
/** The trace of an encode. */
const traceOf = async (query?: string) => traceSchema.parse((await ask(query)).body);

test.each([
  ['upload', 403],
  ['read', 200],
] as const)('with the scope %s, a look at it is answered %i', async (scope, status) => {
  expect((await ask('', tokens[scope])).status).toBe(status);
});

test('without a token it is not shown, though the video is public', async () => {
  expect((await api.ask('GET', `/api/videos/${video}`)).status).toBe(200);
  expect((await api.ask('GET', `/api/videos/${video}/trace`)).status).toBe(401);
});

test('it tells of every task and try; their errors, which may name accounts, stay inside', async () => {
  const { state, spans } = await traceOf();
  expect(state).toBe('failed');
  expect(spans[0]).toMatchObject({ startedAt: UPLOADED, error: 'gave-up', attributes: { tasks: 3 } });
  const tasks = spans.flatMap(({ attributes, error }) =>
    attributes['task'] ? [[attributes['task'], error]] : [],
  );
  expect(tasks.toSorted()).toEqual([
    ['audio-00000', undefined],
    ['chunk-00000', undefined],
    ['chunk-00000', 'failed'],
    ['chunk-00001', undefined],
  ]);
  expect(JSON.stringify(spans)).not.toContain('AccessDenied');
});

test('one record that can not be read takes nothing else along', async () => {
  const { uploads } = api.context.stores;
  const key = `${jobKeys.receipts(video, FIRST)}text.json`;
  await uploads.put(key, '{', { contentType: 'application/json' });
  expect((await traceOf()).spans[0]?.attributes).toMatchObject({ tasks: 3 });
  await uploads.delete(key);
});

test('of several encodes it is the one asked for last, or the one that is named', async () => {
  await requestRevision(api.context.stores.uploads, video, SECOND);
  expect(await traceOf()).toMatchObject({ revision: SECOND, state: 'open' });
  expect((await traceOf()).spans[0]?.startedAt).not.toBe(UPLOADED);
  expect(await traceOf(`?revision=${FIRST}`)).toMatchObject({ revision: FIRST, state: 'failed' });
});

test.each([
  ['an encode that there is not', () => ask('?revision=cccccccccccc'), 404],
  ['what is no revision', () => ask('?revision=last'), 400],
  ['a video that there is not', () => api.ask('GET', `/api/videos/${newVideoId()}/trace`, tokens.read), 404],
])('%s is answered %j', async (_, asked, status) => {
  expect((await asked()).status).toBe(status);
});
