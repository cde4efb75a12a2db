/** One picture of a video from messages in any order, and the API's answers. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type LiveVideo, withAnswer, withMessage } from '../../api/client/live-merge.ts';
import type { Live } from '../../jobs/live-message.ts';

const about = { id: '0123456789abcdefghjk', revision: '0123456789ab', findings: [] };
const queued: Live = { ...about, state: 'queued', percent: 0 };
const encoding = (percent: number, more: Partial<Live> = {}): Live => ({
  ...about,
  state: 'encoding',
  percent,
  encodedSeconds: percent,
  ...more,
});
const ready: Live = { ...about, state: 'ready', percent: 100, playbackUrl: '/v/x/master.m3u8' };
const unaddressed: Live = { ...about, state: 'ready', percent: 100 };
const withToken: Live = { ...ready, playbackUrl: '/t/x/v/x/master.m3u8' };
const failed: Live = { ...about, state: 'failed', percent: 0, failure: { code: 'no-video', message: 'No.' } };
const deleted: Live = { id: about.id, state: 'deleted', percent: 0, findings: [] };
const another = (live: Live): Live => ({ ...live, revision: 'ffffffffffff' });

describe('what is known after a message', () => {
  const cases: ReadonlyArray<
    readonly [
      rule: string,
      known: LiveVideo | undefined,
      message: Live,
      after: Partial<LiveVideo> | undefined,
    ]
  > = [
    ['the first message is all that is known', undefined, encoding(30), encoding(30)],
    ['a later one tells of more', encoding(30), encoding(40), encoding(40)],
    [
      'what saw less done does not take anything back',
      encoding(40),
      encoding(30),
      { percent: 40, encodedSeconds: 40 },
    ],
    ['speed is what was heard last', encoding(40), encoding(30, { speed: 2 }), { percent: 40, speed: 2 }],
    ['a late "queued" is nothing new', encoding(1), queued, encoding(1)],
    ['an end is an end', encoding(99), ready, ready],
    ['of a private video that is ready only the API can tell where', encoding(99), unaddressed, undefined],
    ['also where that is the first message', undefined, unaddressed, undefined],
    ['and again it is nothing new', withToken, unaddressed, withToken],
    ['an address with a token stays when one without is told', withToken, ready, withToken],
    [
      'also while it is encoded',
      encoding(5, { playbackUrl: '/t/x/v/x/early.m3u8', early: true }),
      encoding(6, { playbackUrl: '/v/x/early.m3u8', early: true }),
      { percent: 6, playbackUrl: '/t/x/v/x/early.m3u8', early: true },
    ],
    [
      'and when it is ready, the beginning is not all any more',
      encoding(5, { playbackUrl: '/t/x/v/x/early.m3u8', early: true }),
      ready,
      undefined,
    ],
    ['a failure too, though percent falls', encoding(99), failed, failed],
    ['a late message does not reopen it: the API must say so', ready, encoding(99), undefined],
    ['nor a failure', failed, queued, undefined],
    ['what is deleted stays so', deleted, encoding(50), deleted],
    ['even what plays can be deleted', ready, deleted, deleted],
    ['of an encode that nobody knows only the API can tell', ready, another(encoding(10)), undefined],
    [
      'the next encode goes on beside what plays',
      { ...ready, next: another(encoding(5)) },
      another(encoding(6)),
      { ...ready, next: another(encoding(6)) },
    ],
    ['and takes its place', { ...ready, next: another(encoding(5)) }, another(ready), another(ready)],
    [
      'or fails beside it',
      { ...ready, next: another(encoding(5)) },
      another(failed),
      { ...ready, next: another(failed) },
    ],
  ];
  test.each(cases)('%s', (_, known, message, after) => {
    const merged = withMessage(known, message);
    if (after) expect(merged).toMatchObject(after);
    else expect(merged).toBeUndefined();
  });
});

describe('what is known after the API’s answer', () => {
  test('it lets a failed video go on', () => {
    expect(withAnswer(failed, queued)).toMatchObject(queued);
  });
  test('it knows finished chunks only: what messages saw beyond them stays, and their speed', () => {
    expect(withAnswer(encoding(50, { speed: 3 }), encoding(40))).toMatchObject({ percent: 50, speed: 3 });
  });
  test('it ends what messages did not', () => {
    expect(withAnswer(encoding(50), ready)).toMatchObject(ready);
  });
  test('a message that came before it was about the next encode: what that saw done stays', () => {
    const known = withMessage(undefined, another(encoding(45)));
    const after = withAnswer(known, { ...ready, next: another(encoding(0)) });
    expect(after).toMatchObject({ ...ready, next: another(encoding(45)) });
  });
  test('an encode that it does not name any more is gone', () => {
    expect(withAnswer({ ...ready, next: another(failed) }, ready).next).toBeUndefined();
  });
});

test('whatever the order, and however often: percent never goes backwards while one encode runs', () => {
  const percents = fc.array(fc.tuple(fc.float({ min: 0, max: 99, noNaN: true }), fc.boolean()));
  fc.assert(
    fc.property(percents, (heard) => {
      let known: LiveVideo = queued;
      for (const [percent, isAnswer] of heard) {
        const merged = isAnswer
          ? withAnswer(known, encoding(percent))
          : withMessage(known, encoding(percent));
        expect(merged?.percent).toBeGreaterThanOrEqual(known.percent);
        known = merged ?? known;
      }
      expect(known.percent).toBe(Math.max(0, ...heard.map(([percent]) => percent)));
    }),
  );
});
