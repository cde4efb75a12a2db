/** What following costs the API: it is asked while something is made and somebody looks, and never for ever. */
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { ApiError, ConnectionError } from '../../api/client/index.ts';
import { type Following, follow } from '../../api/client/live.ts';
import type { ProblemCode } from '../../api/problems.ts';
import type { Video } from '../../api/schemas.ts';
import { newVideoId } from '../../jobs/names.ts';

const id = newVideoId();
const video = (state: Video['state'], next?: Video['next']): Video => ({
  id,
  title: 'film',
  metadata: {},
  visibility: 'unlisted',
  uploadedAt: '2026-01-01T00:00:00.000Z',
  sourceBytes: 1,
  state,
  percent: 0,
  ...(next && { next }),
});
const refusal = (code: ProblemCode, status: number) =>
  new ApiError(code, status, { type: `/api/problems#${code}`, title: code, status, detail: code });

const HOUR_SECONDS = 3600;
let asked: number;
let following: Following;

/** An API that says so, whose broker nobody can reach. */
const apiOf = (answer: () => Video) => ({
  showVideo: async () => {
    asked += 1;
    return answer();
  },
  listVideos: async () => {
    asked += 1;
    return { videos: [answer()] };
  },
  liveAccess: async () => {
    asked += 1;
    throw new ConnectionError('Nothing answers');
  },
});

beforeEach(() => {
  jest.useFakeTimers();
  asked = 0;
});
afterEach(() => {
  following.close();
  jest.useRealTimers();
});

const seconds = (count: number) => jest.advanceTimersByTimeAsync(count * 1000);

/** How often the API is asked in an hour, after the first two minutes. */
async function askedInAnHour(): Promise<number> {
  await seconds(120);
  const before = asked;
  await seconds(HOUR_SECONDS);
  return asked - before;
}

const throwing = (error: Error) => () => {
  throw error;
};

describe.each<readonly [name: string, answer: () => Video]>([
  ['ready', () => video('ready')],
  ['failed', () => video('failed')],
  [
    'ready while its next encode failed',
    () => video('ready', { revision: 'r', state: 'failed', percent: 0 }),
  ],
  ['unknown, deleted or private', throwing(refusal('not-found', 404))],
  ['none of ours by its id', throwing(refusal('invalid-request', 400))],
])('a video that is %s', (_, answer) => {
  test('is not asked for any more', async () => {
    following = follow(apiOf(answer), { video: id, onState() {} });
    expect(await askedInAnHour()).toBe(0);
  });
});

test.each<readonly [name: string, answer: () => Video]>([
  ['encoded', () => video('encoding')],
  ['encoded anew', () => video('ready', { revision: 'r', state: 'encoding', percent: 0 })],
  ['behind an API that fails', throwing(new ConnectionError('Nothing answers'))],
])('a video that is %s is asked for every few seconds without a broker', async (_, answer) => {
  following = follow(apiOf(answer), { video: id, onState() {} });
  expect(await askedInAnHour()).toBeGreaterThan(HOUR_SECONDS / 5);
});

test('a video that is known a little after it was uploaded is followed to its end', async () => {
  let answer: () => Video = throwing(refusal('not-found', 404));
  const states: string[] = [];
  following = follow(
    apiOf(() => answer()),
    { video: id, onState: ({ state }) => states.push(state) },
  );
  await seconds(10);
  answer = () => video('encoding');
  await seconds(60);
  answer = () => video('ready');
  await seconds(60);
  expect([...new Set(states)]).toEqual(['deleted', 'encoding', 'ready']);
});

test('a video that somebody lets be tried again is followed anew when that is said', async () => {
  let state: Video['state'] = 'failed';
  const states: string[] = [];
  const api = apiOf(() => video(state));
  following = follow(api, { video: id, onState: (live) => states.push(live.state) });
  await seconds(60);
  state = 'encoding';
  following.expect();
  await seconds(60);
  state = 'ready';
  await seconds(60);
  expect([...new Set(states)]).toEqual(['failed', 'encoding', 'ready']);
});

describe('of all videos', () => {
  test('while one is made the list is asked for, and then no more', async () => {
    let state: Video['state'] = 'encoding';
    const api = { ...apiOf(() => video(state)), liveAccess: () => new Promise<never>(() => {}) };
    following = follow(api, { onState() {} });
    expect(await askedInAnHour()).toBeGreaterThan(HOUR_SECONDS / 5);
    state = 'ready';
    expect(await askedInAnHour()).toBe(0);
  });
});

describe('in a tab', () => {
  const page = Object.assign(new EventTarget(), { hidden: true });
  beforeEach(() => {
    page.hidden = true;
    Object.defineProperty(globalThis, 'document', { value: page, configurable: true });
  });
  afterEach(() => {
    Reflect.deleteProperty(globalThis, 'document');
  });

  test('that nobody sees nothing is asked, and at once when somebody looks', async () => {
    following = follow(
      apiOf(() => video('encoding')),
      { video: id, onState() {} },
    );
    expect(await askedInAnHour()).toBe(0);
    page.hidden = false;
    page.dispatchEvent(new Event('visibilitychange'));
    expect(asked).toBeGreaterThan(0);
    page.hidden = true;
    expect(await askedInAnHour()).toBe(0);
  });
});

describe('a platform that goes away', () => {
  /** Answers for a minute. */
  function leaving() {
    const gone = Date.now() + 60_000;
    return apiOf(() => {
      if (Date.now() > gone) throw new ConnectionError('Nothing answers');
      return video('encoding');
    });
  }
  test.each<readonly [name: string, patience: number | undefined, reasons: string[]]>([
    ['ends following with the reason, where there is an end to patience', 30_000, ['ConnectionError']],
    ['is waited for otherwise', undefined, []],
  ])('%s', async (_, patience, reasons) => {
    const heard: string[] = [];
    const onRefused = ({ name }: Error) => heard.push(name);
    const options = { video: id, onState() {}, onRefused, ...(patience !== undefined && { patience }) };
    following = follow(leaving(), options);
    await seconds(80);
    expect(heard).toEqual([]);
    await seconds(60);
    expect(heard).toEqual(reasons);
  });
});
