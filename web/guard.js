// The way to a video: `/v/<id>/…` is open unless the video is private, `/t/<token>/v/<id>/…` where the token says so, and neither once
// the video is deleted. A CloudFront Function on viewer requests, before any cache, which the local edge runs unchanged
// (`guardSource` in files.ts).
// A token is `<key id>.<expires>.<bounds>.<mac>`, made by jobs/playback-tokens.ts: until that second since 1970; bound to the
// viewer's address (`i`), to the host of the page that plays (`r`), to both or to none; an HMAC by one of the keys.
// The key-value store has an entry for each video that is `private` or `deleted`, by its id, and for each key, `key-<key id>`.
// The runtime, njs, knows ES 5.1 and some newer words; what else would fail there alone, test/web/njs.test.ts refuses.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html

/* global crypto, store */

// Only paths that mean one thing, however they are read, lead to a video: no escapes, no empty or dotted parts.
const PATH =
  /^(?:\/t\/([0-9a-f]{8})\.([1-9][0-9]{9})\.(i?r?)\.([A-Za-z0-9_-]{43}))?\/v\/([0-9a-hjkmnp-tv-z]{20})((?:\/[A-Za-z0-9][A-Za-z0-9._-]*)+)$/;

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by its name
async function handler(event) {
  const request = event.request;
  const parts = PATH.exec(request.uri);
  if (!parts) return refusal(404, 'Not Found');
  const token = parts[1] && { key: parts[1], expires: parts[2], bounds: parts[3], mac: parts[4] };
  const video = parts[5];
  if (token) {
    const admitted = await admits(token, video, event);
    if (!admitted) return refusal(403, 'Forbidden');
  }
  const isClosed = await isClosedTo(token, video);
  if (isClosed) return refusal(404, 'Not Found');
  request.uri = `/v/${video}${parts[6]}`;
  return request;
}

// A private video to who has no token, a deleted one to all.
async function isClosedTo(token, video) {
  const isListed = await store.exists(video);
  if (!isListed || !token) return isListed;
  const entry = await store.get(video);
  return entry === 'deleted';
}

async function admits(token, video, event) {
  if (Number(token.expires) * 1000 <= Date.now()) return false;
  const key = `key-${token.key}`;
  const isKnown = await store.exists(key);
  if (!isKnown) return false;
  const secret = await store.get(key);
  const ip = token.bounds.includes('i') ? event.viewer.ip : '';
  const referrer = token.bounds.includes('r') ? hostOf(event.request.headers.referer) : '';
  const said = [video, token.expires, token.bounds, ip, referrer].join('\n');
  const mac = crypto.createHmac('sha256', secret).update(said).digest('base64url');
  return isSame(token.mac, mac);
}

function hostOf(header) {
  const found = header && /^https?:\/\/([^/?#]+)/.exec(header.value);
  return found ? found[1] : '';
}

// Of two that PATH sees to be equally long; in the same time wherever they differ.
function isSame(a, b) {
  let difference = 0;
  for (let i = 0; i < b.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}

function refusal(statusCode, statusDescription) {
  return { statusCode, statusDescription, headers: { 'cache-control': { value: 'no-store' } } };
}
