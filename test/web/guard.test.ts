/** The function before the videos: who gets through, and what nobody gets through with. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { asVideoId } from '../../jobs/names.ts';
import { type PlaybackGrant, signPlayback, withToken } from '../../jobs/playback-tokens.ts';
import { guardFunction } from '../../local/edge/guard.ts';

const PRIVATE = asVideoId('0123456789abcdefghjk');
const OTHER = asVideoId('zzzzzzzzzzzzzzzzzzzz');
const DELETED = asVideoId('22222222222222222222');
const OPEN = asVideoId('11111111111111111111');
const SEGMENT = '/0123456789ab/1080p/chunk-00000.mp4';

const KEY = { id: '0a1b2c3d', secret: 'the secret of today' };
const BEFORE = { id: '99999999', secret: 'the secret of yesterday' };
const GONE = { id: '00000000', secret: 'the secret of last year' };

const IN_AN_HOUR = Math.floor(Date.now() / 1000) + 3600;
const AN_HOUR_AGO = IN_AN_HOUR - 7200;
const GRANT: PlaybackGrant = { video: PRIVATE, expires: IN_AN_HOUR };
const TOKEN = signPlayback(KEY, GRANT);

const VIEWER = '203.0.113.7';
const PAGE = 'https://shop.example/films?id=1';
const HOST = 'shop.example';

let items: Map<string, string>;

beforeEach(() => {
  items = new Map([
    [PRIVATE, 'private'],
    [OTHER, 'private'],
    [DELETED, 'deleted'],
    [`key-${KEY.id}`, KEY.secret],
    [`key-${BEFORE.id}`, BEFORE.secret],
  ]);
});

/** What becomes of a request: the path that it goes on with, or the status that it is answered. */
async function ask(uri: string, { ip = VIEWER, referer }: { ip?: string; referer?: string } = {}) {
  const guard = guardFunction({
    exists: async (key) => items.has(key),
    get: async (key) => items.get(key) ?? Promise.reject(new Error('KeyNotFound')),
  });
  const headers = referer === undefined ? {} : { referer: { value: referer } };
  const answer = await guard({ viewer: { ip }, request: { uri, headers } });
  return 'uri' in answer ? answer.uri : answer.statusCode;
}

const pathOf = (token: string, path = `/v/${PRIVATE}/master.m3u8`) => withToken(token, path);

describe('a video that is not private', () => {
  test.each([`/v/${OPEN}/master.m3u8`, `/v/${OPEN}/video.json`, `/v/${OPEN}${SEGMENT}`])(
    'plays without a token: %s',
    async (path) => {
      expect(await ask(path)).toBe(path);
    },
  );

  test('plays with one of its own, too, so that an address outlives a change of mind', async () => {
    const token = signPlayback(KEY, { video: OPEN, expires: IN_AN_HOUR });
    expect(await ask(pathOf(token, `/v/${OPEN}/master.m3u8`))).toBe(`/v/${OPEN}/master.m3u8`);
  });
});

describe('a private video', () => {
  test.each(['/master.m3u8', '/video.json', '/poster/a.jpg', SEGMENT])(
    'gives nobody its %s without a token',
    async (path) => {
      expect(await ask(`/v/${PRIVATE}${path}`)).toBe(404);
    },
  );

  test.each(['/master.m3u8', '/video.json', SEGMENT])(
    'gives its %s to a token, under the path of its object',
    async (path) => {
      expect(await ask(pathOf(TOKEN, `/v/${PRIVATE}${path}`))).toBe(`/v/${PRIVATE}${path}`);
    },
  );

  test('stops playing at the moment that it becomes private', async () => {
    expect(await ask(`/v/${OPEN}${SEGMENT}`)).toBe(`/v/${OPEN}${SEGMENT}`);
    items.set(OPEN, 'private');
    expect(await ask(`/v/${OPEN}${SEGMENT}`)).toBe(404);
  });

  test('plays by tokens of the key before, until that goes', async () => {
    const path = pathOf(signPlayback(BEFORE, GRANT));
    expect(await ask(path)).toBe(`/v/${PRIVATE}/master.m3u8`);
    items.delete(`key-${BEFORE.id}`);
    expect(await ask(path)).toBe(403);
  });
});

test.each(['/master.m3u8', '/video.json', SEGMENT])(
  'a deleted video gives its %s to nobody, whatever token they hold',
  async (path) => {
    const token = signPlayback(KEY, { video: DELETED, expires: IN_AN_HOUR });
    expect(await ask(`/v/${DELETED}${path}`)).toBe(404);
    expect(await ask(pathOf(token, `/v/${DELETED}${path}`))).toBe(404);
  },
);

describe('a token bound to a viewer', () => {
  const cases = [
    { bound: 'an address', grant: { ip: VIEWER }, from: {}, admitted: true },
    { bound: 'an address', grant: { ip: VIEWER }, from: { ip: '203.0.113.8' }, admitted: false },
    { bound: 'an IPv6 address', grant: { ip: '2001:db8::1' }, from: { ip: '2001:db8::1' }, admitted: true },
    { bound: 'a site', grant: { referrer: HOST }, from: { referer: PAGE }, admitted: true },
    { bound: 'a site', grant: { referrer: HOST }, from: {}, admitted: false },
    {
      bound: 'a site',
      grant: { referrer: HOST },
      from: { referer: `https://${HOST}.evil.example/` },
      admitted: false,
    },
    {
      bound: 'a site',
      grant: { referrer: HOST },
      from: { referer: `https://evil.example/${HOST}/` },
      admitted: false,
    },
    {
      bound: 'a site',
      grant: { referrer: HOST },
      from: { referer: `https://${HOST}@evil.example/` },
      admitted: false,
    },
    {
      bound: 'a site',
      grant: { referrer: HOST },
      from: { referer: `javascript:https://${HOST}/` },
      admitted: false,
    },
    { bound: 'both', grant: { ip: VIEWER, referrer: HOST }, from: { referer: PAGE }, admitted: true },
    { bound: 'both', grant: { ip: VIEWER, referrer: HOST }, from: {}, admitted: false },
    {
      bound: 'both',
      grant: { ip: VIEWER, referrer: HOST },
      from: { ip: '::1', referer: PAGE },
      admitted: false,
    },
  ];
  test.each(cases)('of $grant asked from $from: $admitted', async ({ grant, from, admitted }) => {
    const path = pathOf(signPlayback(KEY, { ...GRANT, ...grant }));
    expect(await ask(path, from)).toBe(admitted ? `/v/${PRIVATE}/master.m3u8` : 403);
  });
});

describe('a forged token is refused', () => {
  const [id = '', expires = '', , mac = ''] = TOKEN.split('.');
  const bound = signPlayback(KEY, { ...GRANT, ip: '198.51.100.1' }).split('.');
  const FORGERIES = {
    'that has expired': signPlayback(KEY, { ...GRANT, expires: AN_HOUR_AGO }),
    'whose expiry was put off': `${id}.${Number(expires) + 1}..${mac}`,
    'by a key that is gone': signPlayback(GONE, GRANT),
    'by another secret under the key’s id': signPlayback({ ...KEY, secret: 'a guess' }, GRANT),
    'by an empty secret': signPlayback({ ...KEY, secret: '' }, GRANT),
    'under another key’s id': TOKEN.replace(KEY.id, BEFORE.id),
    'for another video': signPlayback(KEY, { ...GRANT, video: OTHER }),
    'for an open video': signPlayback(KEY, { ...GRANT, video: OPEN }),
    'with another last character': `${TOKEN.slice(0, -1)}${TOKEN.endsWith('A') ? 'E' : 'A'}`,
    'with a MAC of nothing but A': `${id}.${expires}..${'A'.repeat(43)}`,
    'whose address was taken off': `${bound[0]}.${bound[1]}..${bound[3]}`,
    'whose address became a site': `${bound[0]}.${bound[1]}.r.${bound[3]}`,
  };
  test.each(Object.entries(FORGERIES))('%s', async (_, token) => {
    expect(await ask(pathOf(token))).toBe(403);
  });

  const MALFORMED = {
    'without a MAC': `${id}.${expires}..`,
    'with half a MAC': TOKEN.slice(0, -20),
    'with a longer MAC': `${TOKEN}A`,
    'with padding': `${TOKEN}=`,
    'without an expiry': `${id}...${mac}`,
    'with an expiry in words': `${id}.Infinity..${mac}`,
    'with an expiry of zeros': `${id}.0000000000..${mac}`,
    'with an expiry of more digits': `${id}.${expires}0..${mac}`,
    'with bounds in another order': `${id}.${expires}.ri.${mac}`,
    'with a key id in capitals': TOKEN.replace(KEY.id, KEY.id.toUpperCase()),
    'whose key id is a video’s': `${PRIVATE}.${expires}..${mac}`,
    'with one part more': `${TOKEN}.x`,
    'that is empty': '',
    'that is a word': 'token',
    'that is __proto__': '__proto__',
    'with an escape for a letter': `%30${TOKEN.slice(1)}`,
  };
  test.each(Object.entries(MALFORMED))('%s', async (_, token) => {
    expect(await ask(pathOf(token))).toBe(404);
  });
});

describe('a path that could mean another video is refused', () => {
  const VIA = `/v/${OPEN}`;
  const TRICKS = {
    'two dots': `${VIA}/../${PRIVATE}/master.m3u8`,
    'two dots behind a file': `${VIA}/master.m3u8/../../${PRIVATE}/master.m3u8`,
    'dots as escapes': `${VIA}/%2e%2e/${PRIVATE}/master.m3u8`,
    'dots as escapes in capitals': `${VIA}/%2E%2E/${PRIVATE}/master.m3u8`,
    'a dot and an escape': `${VIA}/.%2e/${PRIVATE}/master.m3u8`,
    'dots that are encoded twice': `${VIA}/%252e%252e/${PRIVATE}/master.m3u8`,
    'dots in overlong UTF-8': `${VIA}/%c0%ae%c0%ae/${PRIVATE}/master.m3u8`,
    'dots with a parameter': `${VIA}/..;/${PRIVATE}/master.m3u8`,
    'three dots': `${VIA}/.../${PRIVATE}/master.m3u8`,
    'one dot': `${VIA}/./master.m3u8`,
    backslashes: `${VIA}\\..\\${PRIVATE}\\master.m3u8`,
    'backslashes as escapes': `${VIA}%5c..%5c${PRIVATE}/master.m3u8`,
    'slashes as escapes': `/v%2f${PRIVATE}%2fmaster.m3u8`,
    'slashes encoded twice': `/v%252f${PRIVATE}/master.m3u8`,
    'a double slash at the beginning': `//v/${PRIVATE}/master.m3u8`,
    'a double slash before the id': `/v//${PRIVATE}/master.m3u8`,
    'a double slash after the id': `/v/${PRIVATE}//master.m3u8`,
    'a double slash in an open video': `${VIA}//master.m3u8`,
    'a capital V': `/V/${PRIVATE}/master.m3u8`,
    'an id in capitals': `/v/${PRIVATE.toUpperCase()}/master.m3u8`,
    'an id with a letter as escape': `/v/%30${PRIVATE.slice(1)}/master.m3u8`,
    'an id with a letter that its alphabet lacks': `/v/${PRIVATE.replace('k', 'l')}/master.m3u8`,
    'an id with a wide letter': `/v/${PRIVATE.replace('0', '０')}/master.m3u8`,
    'an id that is too short': `/v/${PRIVATE.slice(1)}/master.m3u8`,
    'an id that goes on': `/v/${PRIVATE}0/master.m3u8`,
    'a null': `/v/${PRIVATE}%00/master.m3u8`,
    'a line end': `/v/${PRIVATE}/master.m3u8\n`,
    'a line end as escape': `/v/${PRIVATE}/master.m3u8%0a`,
    'a space': `/v/${PRIVATE} /master.m3u8`,
    'a query as escape': `${VIA}/master.m3u8%3f/../${PRIVATE}`,
    'a fragment': `${VIA}/master.m3u8#/${PRIVATE}`,
    'an absolute URL': `https://cdn.example/v/${PRIVATE}/master.m3u8`,
    'the folder of an open video': `${VIA}/`,
    'the id alone': VIA,
    'all videos': '/v/',
    'what is no video': `/t/${TOKEN}/jobs/${PRIVATE}/claim.json`,
    nothing: '',
  };
  test.each(Object.entries(TRICKS))('%s', async (_, path) => {
    expect(await ask(path)).toBe(404);
  });

  const own = signPlayback(KEY, { video: OTHER, expires: IN_AN_HOUR });
  const WITH_TOKEN = {
    'another video': `/v/${PRIVATE}/master.m3u8`,
    'another video by two dots': `/v/${OTHER}/../${PRIVATE}/master.m3u8`,
    'another video by escaped dots': `/v/${OTHER}/%2e%2e/${PRIVATE}/master.m3u8`,
    'another video by twice escaped dots': `/v/${OTHER}/%252e%252e/${PRIVATE}/master.m3u8`,
    'another video by a double slash': `//v/${PRIVATE}/master.m3u8`,
    'another video behind its own': `/v/${OTHER}/../../v/${PRIVATE}/master.m3u8`,
    'no token behind it': `/../v/${PRIVATE}/master.m3u8`,
    'another token behind it': `/t/${own}/v/${PRIVATE}/master.m3u8`,
  };
  test.each(Object.entries(WITH_TOKEN))('with a token of one video: %s', async (_, path) => {
    expect([403, 404]).toContain(await ask(pathOf(own, path)));
  });
});

test('a store that does not answer opens nothing', async () => {
  const fail = () => Promise.reject(new Error('InternalError'));
  const guard = guardFunction({ exists: fail, get: fail });
  const event = { viewer: { ip: VIEWER }, request: { uri: `/v/${OPEN}/master.m3u8`, headers: {} } };
  await expect(guard(event)).rejects.toThrow('InternalError');
});
