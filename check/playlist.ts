/** Playlists as the rules need them: tags with their lines, URIs resolved, byte ranges counted out. */
import { setOptions, parse as strictParse } from 'hls-parser';
import { type Finding, finding, messageOf } from './finding.ts';
import type { ByteRange } from './reader.ts';
import { attribute, isTag, type Tag, type Token, tokenize } from './tokens.ts';

/** What EXT-X-MAP names: an init segment. */
export interface InitReference {
  readonly url: string;
  readonly line: number;
  readonly range?: ByteRange;
}

export interface Segment {
  readonly url: string;
  readonly line: number;
  /** Its EXTINF. */
  readonly seconds: number;
  readonly range?: ByteRange;
  readonly map?: InitReference;
  readonly discontinuity: boolean;
  /** The EXT-X-KEY in force, unless its METHOD is NONE. */
  readonly key?: Tag;
}

export interface MediaPlaylist {
  readonly kind: 'media';
  readonly url: string;
  readonly tokens: readonly Token[];
  readonly tags: readonly Tag[];
  readonly segments: readonly Segment[];
  /** Seconds; `NaN` where EXT-X-TARGETDURATION is missing or no number. */
  readonly target: number;
}

/** A variant, or (with `iFrames`) an I-frame stream. */
export interface Variant {
  readonly tag: Tag;
  readonly url: string;
  readonly iFrames: boolean;
}

export interface MultivariantPlaylist {
  readonly kind: 'multivariant';
  readonly url: string;
  readonly tokens: readonly Token[];
  readonly tags: readonly Tag[];
  readonly variants: readonly Variant[];
  /** EXT-X-MEDIA. */
  readonly renditions: readonly Tag[];
}

export type Playlist = MediaPlaylist | MultivariantPlaylist;

/** Whether a tag is in a playlist. */
export const has = (playlist: Playlist, name: string): boolean =>
  playlist.tags.some((tag) => tag.name === name);

/** Whether more of it is to come: players read it again until it ends. */
export const isGrowing = (playlist: MediaPlaylist): boolean =>
  !has(playlist, 'EXT-X-ENDLIST') &&
  playlist.tags.some(({ name, value }) => name === 'EXT-X-PLAYLIST-TYPE' && value === 'EVENT');

/** A URI of a playlist in full; as it is written where it is none. */
export const resolve = (uri: string, playlist: string): string =>
  URL.canParse(uri, playlist) ? new URL(uri, playlist).href : uri;

/** `length@offset`; without offset it goes on at `next`. */
function readRange(text: string | undefined, next: number | undefined): ByteRange | undefined {
  const [, length, offset] = /^(\d+)(?:@(\d+))?$/.exec(text ?? '') ?? [];
  const start = offset === undefined ? next : Number(offset);
  return length === undefined || start === undefined ? undefined : { length: Number(length), offset: start };
}

/** Walks over a media playlist as a player does: what comes before a URI describes its segment. */
function readSegments(
  playlist: string,
  tokens: readonly Token[],
): { segments: Segment[]; findings: Finding[] } {
  const segments: Segment[] = [];
  const findings: Finding[] = [];
  let info: { inf?: Tag; byteRange?: Tag; discontinuity: boolean } = { discontinuity: false };
  let map: InitReference | undefined;
  let key: Tag | undefined;
  for (const token of tokens) {
    const { line } = token;
    if (isTag(token)) {
      if (token.name === 'EXTINF') {
        if (info.inf)
          findings.push(finding('extinf-uri', { playlist, line: info.inf.line }, 'EXTINF without URI'));
        info.inf = token;
      } else if (token.name === 'EXT-X-BYTERANGE') info.byteRange = token;
      else if (token.name === 'EXT-X-DISCONTINUITY') info.discontinuity = true;
      else if (token.name === 'EXT-X-KEY') key = attribute(token, 'METHOD') === 'NONE' ? undefined : token;
      else if (token.name === 'EXT-X-MAP') {
        const range = readRange(attribute(token, 'BYTERANGE'), 0);
        map = { url: resolve(attribute(token, 'URI') ?? '', playlist), line, ...(range && { range }) };
      }
      continue;
    }
    if (!info.inf) findings.push(finding('extinf-uri', { playlist, line }, `${token.uri} has no EXTINF`));
    const url = resolve(token.uri, playlist);
    const before = segments.at(-1);
    const next = before?.url === url && before.range ? before.range.offset + before.range.length : undefined;
    const range = info.byteRange && readRange(info.byteRange.value, next);
    if (info.byteRange && !range) {
      const place = { playlist, line: info.byteRange.line };
      findings.push(finding('byte-range', place, `'${info.byteRange.value}' has no offset to count from`));
    }
    const seconds = Number.parseFloat(info.inf?.value ?? '0');
    const { discontinuity } = info;
    segments.push({
      url,
      line,
      seconds,
      discontinuity,
      ...(range && { range }),
      ...(map && { map }),
      ...(key && { key }),
    });
    info = { discontinuity: false };
  }
  if (info.inf) findings.push(finding('extinf-uri', { playlist, line: info.inf.line }, 'EXTINF without URI'));
  return { segments, findings };
}

function readVariants(
  playlist: string,
  tokens: readonly Token[],
): { variants: Variant[]; findings: Finding[] } {
  const variants: Variant[] = [];
  const findings: Finding[] = [];
  for (const [index, token] of tokens.entries()) {
    if (!isTag(token)) continue;
    const next = tokens[index + 1];
    if (token.name === 'EXT-X-I-FRAME-STREAM-INF') {
      variants.push({ tag: token, url: resolve(attribute(token, 'URI') ?? '', playlist), iFrames: true });
    } else if (token.name === 'EXT-X-STREAM-INF') {
      if (next && !isTag(next))
        variants.push({ tag: token, url: resolve(next.uri, playlist), iFrames: false });
      else
        findings.push(finding('stream-uri', { playlist, line: token.line }, 'EXT-X-STREAM-INF without URI'));
    }
  }
  return { variants, findings };
}

/** A second opinion on the syntax. It stops at the first error and knows no lines. */
function strictOpinion(url: string, text: string): Finding[] {
  try {
    setOptions({ strictMode: true });
    strictParse(text);
    return [];
  } catch (error) {
    return [finding('parser', { playlist: url }, messageOf(error))];
  }
}

/** Reads a playlist of either kind, whatever is wrong with it. */
export function readPlaylist(url: string, text: string): { playlist: Playlist; findings: Finding[] } {
  const { tokens, findings } = tokenize(url, text);
  const tags = tokens.filter(isTag);
  const common = { url, tokens, tags };
  findings.push(...strictOpinion(url, text));
  if (tags.some(({ name }) => name === 'EXT-X-STREAM-INF' || name === 'EXT-X-MEDIA')) {
    const { variants, findings: missing } = readVariants(url, tokens);
    const renditions = tags.filter(({ name }) => name === 'EXT-X-MEDIA');
    return {
      playlist: { kind: 'multivariant', ...common, variants, renditions },
      findings: [...findings, ...missing],
    };
  }
  const { segments, findings: broken } = readSegments(url, tokens);
  const target = Number(tags.find(({ name }) => name === 'EXT-X-TARGETDURATION')?.value ?? Number.NaN);
  return { playlist: { kind: 'media', ...common, segments, target }, findings: [...findings, ...broken] };
}
