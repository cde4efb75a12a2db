/** The name of a download as a header: nothing breaks out of it, and no name is lost (RFC 6266, RFC 8187). */
import { expect, test } from '@jest/globals';
import { attachment } from '../../jobs/content-disposition.ts';

test.each([
  ['film.mp4', 'attachment; filename="film.mp4"'],
  ["it's (a) *film*.mp4", `attachment; filename="it's (a) *film*.mp4"`],
  ['../../etc/passwd', 'attachment; filename=".._.._etc_passwd"'],
  ['a\\b', 'attachment; filename="a_b"'],
  ['a\r\nSet-Cookie: b', 'attachment; filename="a__Set-Cookie: b"'],
  ['50%.mp4', `attachment; filename="50_.mp4"; filename*=UTF-8''50%25.mp4`],
  ['a"; filename="b', `attachment; filename="a_; filename=_b"; filename*=UTF-8''a%22%3B%20filename%3D%22b`],
  ["é'(*)", `attachment; filename="_'(*)"; filename*=UTF-8''%C3%A9%27%28%2A%29`],
  ['映画.mp4', `attachment; filename="__.mp4"; filename*=UTF-8''%E6%98%A0%E7%94%BB.mp4`],
  ['🎬.mp4', `attachment; filename="_.mp4"; filename*=UTF-8''%F0%9F%8E%AC.mp4`],
  ['half \ud83c.mp4', `attachment; filename="half _.mp4"; filename*=UTF-8''half%20%EF%BF%BD.mp4`],
])('%j', (name, header) => {
  expect(attachment(name)).toBe(header);
});

test('a name that is too long for a header is cut in its middle', () => {
  const header = attachment(`${'映'.repeat(1000)}.mp4`);
  expect(header.length).toBeLessThan(2500);
  expect(header).toMatch(/%E2%80%A6(%E6%98%A0){15}\.mp4$/);
});
