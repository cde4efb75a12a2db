/** Rules that a media playlist alone can break (rows R5, R7, R8, 6.8 of the checklist). */
import { type Finding, finding } from './finding.ts';
import { has, isGrowing, type MediaPlaylist } from './playlist.ts';
import { attribute } from './tokens.ts';

/** METHOD of EXT-X-KEY (RFC 8216, 4.3.2.4). SAMPLE-AES-CTR is rfc8216bis'. */
const METHODS = new Set(['NONE', 'AES-128', 'SAMPLE-AES', 'SAMPLE-AES-CTR']);

/** What a playlist of a whole video says about itself; one that is still growing says that. */
export function checkVod(playlist: MediaPlaylist): Finding[] {
  if (isGrowing(playlist)) return [];
  const findings: Finding[] = [];
  const tag = playlist.tags.find(({ name }) => name === 'EXT-X-PLAYLIST-TYPE');
  if (tag?.value !== 'VOD') {
    const place = { playlist: playlist.url, line: tag?.line };
    findings.push(
      finding('playlist-type', place, `#EXT-X-PLAYLIST-TYPE is ${tag ? `'${tag.value}'` : 'missing'}`),
    );
  }
  if (!has(playlist, 'EXT-X-ENDLIST')) {
    findings.push(finding('endlist', { playlist: playlist.url }, '#EXT-X-ENDLIST is missing'));
  }
  return findings;
}

/** EXT-X-KEY as it is written; whether the key is there is tried elsewhere. */
export function checkKeys(playlist: MediaPlaylist): Finding[] {
  return playlist.tags
    .filter(({ name }) => name === 'EXT-X-KEY')
    .flatMap((tag) => {
      const place = { playlist: playlist.url, line: tag.line };
      const method = attribute(tag, 'METHOD');
      if (method === undefined || !METHODS.has(method)) {
        return [finding('key', place, `METHOD is ${method ? `'${method}'` : 'missing'}`)];
      }
      return method !== 'NONE' && !tag.attributes.has('URI') ? [finding('key', place, 'URI is missing')] : [];
    });
}

/** An I-frame stream's playlist says that it is one. */
export const checkIFramesOnly = (playlist: MediaPlaylist): Finding[] =>
  has(playlist, 'EXT-X-I-FRAMES-ONLY')
    ? []
    : [finding('iframes-only', { playlist: playlist.url }, '#EXT-X-I-FRAMES-ONLY is missing')];
