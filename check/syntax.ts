/** Rules that a playlist's text alone can break (RFC 8216, 4; rows R1 to R3 of the checklist). */
import { type Finding, finding } from './finding.ts';
import type { MediaPlaylist, Playlist } from './playlist.ts';
import { attribute } from './tokens.ts';

/** Tags that describe the whole playlist, each at most once (4.3.1, 4.3.3, 4.3.5). */
const SINGLE = new Set([
  ...[
    'EXTM3U',
    'EXT-X-VERSION',
    'EXT-X-TARGETDURATION',
    'EXT-X-MEDIA-SEQUENCE',
    'EXT-X-DISCONTINUITY-SEQUENCE',
  ],
  ...[
    'EXT-X-ENDLIST',
    'EXT-X-PLAYLIST-TYPE',
    'EXT-X-I-FRAMES-ONLY',
    'EXT-X-INDEPENDENT-SEGMENTS',
    'EXT-X-START',
  ],
]);

/** Tags of media playlists (4.3.2, 4.3.3), which no multivariant playlist has. */
const MEDIA_TAGS = new Set([
  ...[
    'EXTINF',
    'EXT-X-BYTERANGE',
    'EXT-X-DISCONTINUITY',
    'EXT-X-KEY',
    'EXT-X-MAP',
    'EXT-X-PROGRAM-DATE-TIME',
  ],
  ...['EXT-X-TARGETDURATION', 'EXT-X-MEDIA-SEQUENCE', 'EXT-X-DISCONTINUITY-SEQUENCE', 'EXT-X-ENDLIST'],
  ...['EXT-X-PLAYLIST-TYPE', 'EXT-X-I-FRAMES-ONLY'],
]);

const BYTE_ORDER_MARK = '\ufeff';

/** A playlist's bytes as text, and what is wrong with their encoding. */
export function decodeText(playlist: string, bytes: Buffer): { text: string; findings: Finding[] } {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const findings: Finding[] = [];
  const line = 1;
  if (text.startsWith(BYTE_ORDER_MARK))
    findings.push(finding('utf-8', { playlist, line }, 'it has a byte order mark'));
  const wrong = text.indexOf('\ufffd');
  if (wrong >= 0) {
    const place = { playlist, line: text.slice(0, wrong).split('\n').length };
    findings.push(finding('utf-8', place, 'there are bytes that are no UTF-8'));
  }
  return { text: text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text, findings };
}

/** #EXTM3U first, no tag of the other kind, none twice. */
export function checkSyntax(playlist: Playlist, text: string): Finding[] {
  const findings: Finding[] = [];
  if (!/^#EXTM3U(\r?\n|$)/.test(text)) {
    const first = text.slice(0, text.search(/\r?\n|$/)).slice(0, 40);
    findings.push(finding('first-line', { playlist: playlist.url, line: 1 }, `the first line is '${first}'`));
  }
  const seen = new Map<string, number>();
  for (const { name, line } of playlist.tags) {
    const place = { playlist: playlist.url, line };
    const before = seen.get(name);
    if (before !== undefined && SINGLE.has(name)) {
      findings.push(finding('duplicate-tag', place, `#${name} is in line ${before} already`));
    }
    if (playlist.kind === 'multivariant' && MEDIA_TAGS.has(name)) {
      findings.push(finding('mixed-tags', place, `#${name} has no place in a multivariant playlist`));
    }
    seen.set(name, line);
  }
  return findings;
}

/** What makes which version necessary (RFC 8216, 7), the highest first. */
function neededVersion(playlist: Playlist): { version: number; why: string } {
  const names = new Set(playlist.tags.map(({ name }) => name));
  const services = playlist.tags.some((tag) => attribute(tag, 'INSTREAM-ID')?.startsWith('SERVICE'));
  if (services) return { version: 7, why: 'INSTREAM-ID="SERVICE…"' };
  const iFrames = names.has('EXT-X-I-FRAMES-ONLY');
  if (names.has('EXT-X-MAP') && !iFrames) return { version: 6, why: 'EXT-X-MAP' };
  if (names.has('EXT-X-MAP')) return { version: 5, why: 'EXT-X-MAP' };
  const formats = playlist.tags.some((tag) => tag.name === 'EXT-X-KEY' && tag.attributes.has('KEYFORMAT'));
  if (formats) return { version: 5, why: 'KEYFORMAT' };
  if (iFrames || names.has('EXT-X-BYTERANGE'))
    return { version: 4, why: 'EXT-X-BYTERANGE or EXT-X-I-FRAMES-ONLY' };
  const fractions = playlist.tags.some(({ name, value }) => name === 'EXTINF' && /^\d+\./.test(value));
  if (fractions) return { version: 3, why: 'EXTINF with a fraction' };
  const vectors = playlist.tags.some((tag) => tag.name === 'EXT-X-KEY' && tag.attributes.has('IV'));
  return vectors ? { version: 2, why: 'IV' } : { version: 1, why: 'HLS' };
}

/** EXT-X-VERSION says at least what the playlist uses. */
export function checkVersion(playlist: Playlist): Finding[] {
  const tag = playlist.tags.find(({ name }) => name === 'EXT-X-VERSION');
  const { version, why } = neededVersion(playlist);
  const says = Number(tag?.value ?? 1);
  if (says >= version) return [];
  const place = { playlist: playlist.url, line: tag?.line };
  return [
    finding(
      'version',
      place,
      `${why} needs version ${version}, the playlist has ${tag?.value ?? 'none, which means 1'}`,
    ),
  ];
}

/** EXT-X-TARGETDURATION, and no segment that rounds to more. */
export function checkTarget(playlist: MediaPlaylist): Finding[] {
  const tag = playlist.tags.find(({ name }) => name === 'EXT-X-TARGETDURATION');
  if (!tag || !/^\d+$/.test(tag.value)) {
    const place = { playlist: playlist.url, line: tag?.line };
    return [
      finding('target-duration', place, `#EXT-X-TARGETDURATION is ${tag ? `'${tag.value}'` : 'missing'}`),
    ];
  }
  return playlist.segments
    .filter(({ seconds }) => Math.round(seconds) > playlist.target)
    .map(({ seconds, line }) =>
      finding(
        'target-exceeded',
        { playlist: playlist.url, line },
        `the segment has ${seconds} s, the target is ${playlist.target} s`,
      ),
    );
}
