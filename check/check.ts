/** The conformance checker: everything behind one playlist, against every rule (docs/conformance.md). */
import { collapse, type Finding } from './finding.ts';
import { type Loaded, loadMedia, type Role } from './load.ts';
import { checkIFramesOnly, checkKeys, checkVod } from './media.ts';
import {
  has,
  isGrowing,
  type MediaPlaylist,
  type MultivariantPlaylist,
  type Playlist,
  readPlaylist,
  resolve,
} from './playlist.ts';
import type { Reader } from './reader.ts';
import { checkRenditions } from './renditions.ts';
import { Session } from './session.ts';
import { checkSyntax, checkTarget, checkVersion, decodeText } from './syntax.ts';
import { checkTimeline } from './timeline.ts';
import { checkTogether } from './together.ts';
import { attribute } from './tokens.ts';
import { checkTracks } from './tracks.ts';
import { checkSounds, checkTruth } from './truth.ts';
import { checkIFrameStreams, checkVariants, hasPicture } from './variants.ts';

export interface Report {
  readonly url: string;
  /** In the order of playlists; of many alike, the first few. */
  readonly findings: readonly Finding[];
  /** What could not be checked, and why. */
  readonly unchecked: readonly string[];
  readonly playlists: number;
  readonly segments: number;
}

/** Reads a playlist and checks its text. Its own rules speak first; the strict parser only where they found nothing. */
async function loadPlaylist(
  session: Session,
  url: string,
  named: { playlist: string; line?: number },
): Promise<Playlist | undefined> {
  const bytes = await session.read(url, 'playlist', named);
  if (!bytes) return undefined;
  const { text, findings: encoding } = decodeText(url, bytes);
  const { playlist, findings } = readPlaylist(url, text);
  const own = [
    ...encoding,
    ...checkSyntax(playlist, text),
    ...checkVersion(playlist),
    ...(playlist.kind === 'media'
      ? [...checkTarget(playlist), ...checkVod(playlist), ...checkKeys(playlist)]
      : [...checkRenditions(playlist), ...checkVariants(playlist)]),
    ...findings.filter(({ rule }) => rule !== 'parser'),
  ];
  const heard = own.some(({ severity }) => severity === 'error');
  session.findings.push(...own, ...(heard ? [] : findings.filter(({ rule }) => rule === 'parser')));
  return playlist;
}

/** The media playlists of a multivariant playlist, each once. */
function referencesOf(playlist: MultivariantPlaylist): { url: string; role: Role; line: number }[] {
  const variants = playlist.variants.map((variant) => {
    const role: Role = variant.iFrames ? 'iframes' : hasPicture(variant) ? 'video' : 'audio';
    return { url: variant.url, role, line: variant.tag.line };
  });
  const renditions = playlist.renditions.flatMap((tag) => {
    const uri = attribute(tag, 'URI');
    const type = attribute(tag, 'TYPE');
    const role: Role = type === 'AUDIO' ? 'audio' : type === 'SUBTITLES' ? 'text' : 'video';
    return uri === undefined ? [] : [{ url: resolve(uri, playlist.url), role, line: tag.line }];
  });
  return [...new Map([...renditions, ...variants].map((reference) => [reference.url, reference])).values()];
}

async function checkMedia(session: Session, playlist: MediaPlaylist, role: Role): Promise<Loaded> {
  if (role === 'iframes') session.findings.push(...checkIFramesOnly(playlist));
  const loaded = await loadMedia(session, playlist, role);
  session.findings.push(...checkTimeline(loaded), ...checkTracks(loaded));
  return loaded;
}

/** Everything behind a multivariant playlist: its media playlists side by side, each from its beginning to its end. */
async function checkAll(session: Session, playlist: MultivariantPlaylist): Promise<Loaded[]> {
  const found = await Promise.all(
    referencesOf(playlist).map(async ({ url, role, line }) => {
      const media = await loadPlaylist(session, url, { playlist: playlist.url, line });
      return media?.kind === 'media' ? [await checkMedia(session, media, role)] : [];
    }),
  );
  const all = found.flat();
  const media = new Map(all.map((loaded) => [loaded.playlist.url, loaded]));
  const growing = all.filter((loaded) => isGrowing(loaded.playlist));
  for (const { playlist: part } of growing)
    session.unchecked.add(`${part.url}: it is still growing, so what is said of the whole is not checked`);
  session.findings.push(
    ...(growing.length > 0 ? [] : checkIFrameStreams(playlist)),
    ...checkTogether(all, has(playlist, 'EXT-X-INDEPENDENT-SEGMENTS')),
    ...checkTruth(playlist, media),
    ...checkSounds(playlist, media),
  );
  return all;
}

/** The playlist alone: a picture if it has one, else sound. */
const soleRole = (playlist: MediaPlaylist): Role =>
  has(playlist, 'EXT-X-I-FRAMES-ONLY') ? 'iframes' : 'video';

const bySourceOrder = (a: Finding, b: Finding): number =>
  a.playlist.localeCompare(b.playlist) || (a.line ?? 0) - (b.line ?? 0) || a.rule.localeCompare(b.rule);

/**
 * Checks an HLS stream on demand: a multivariant playlist with all that it names, or one media playlist. What can not
 * be read is a finding too.
 */
export async function checkStream(reader: Reader, url: string): Promise<Report> {
  const session = new Session(reader);
  const playlist = await loadPlaylist(session, url, { playlist: url });
  const all =
    playlist === undefined
      ? []
      : playlist.kind === 'media'
        ? [await checkMedia(session, playlist, soleRole(playlist))]
        : await checkAll(session, playlist);
  return {
    url,
    findings: collapse(session.findings.toSorted(bySourceOrder)),
    unchecked: [...session.unchecked],
    playlists: all.length + (playlist?.kind === 'multivariant' ? 1 : 0),
    segments: all.reduce((sum, { segments }) => sum + segments.length, 0),
  };
}
