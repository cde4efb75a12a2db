/** Reads everything that a media playlist names, and checks each piece on its own. */
import { type Finding, finding, type Place } from './finding.ts';
import { type Init, readInit } from './init.ts';
import { type InitReference, type MediaPlaylist, resolve, type Segment } from './playlist.ts';
import type { SegmentFacts } from './run.ts';
import { readKeyFrame, readSegment } from './segment.ts';
import type { Session } from './session.ts';
import { attribute, type Tag } from './tokens.ts';
import { type Cue, readWebVtt } from './webvtt.ts';

export type Role = 'video' | 'audio' | 'text' | 'iframes';

export interface LoadedSegment extends Segment {
  readonly bytes: number;
  /** Of fragmented MP4 that could be read. */
  readonly facts?: SegmentFacts;
  readonly init?: Init;
  /** Of text that could be read. */
  readonly cues?: readonly Cue[];
}

/** A media playlist and what is behind it. */
export interface Loaded {
  readonly playlist: MediaPlaylist;
  readonly role: Role;
  readonly segments: readonly LoadedSegment[];
  /** Some segments are MPEG-TS. */
  readonly transportStream: boolean;
}

const TS_SYNC = 0x47;

/** The key of AES-128 has 16 bytes (RFC 8216, 4.3.2.4). */
async function checkKey(session: Session, playlist: string, tag: Tag): Promise<void> {
  if (attribute(tag, 'METHOD') !== 'AES-128') return;
  const place = { playlist, line: tag.line };
  const key = await session.read(resolve(attribute(tag, 'URI') ?? '', playlist), 'key', place);
  if (key && key.length !== 16)
    session.findings.push(finding('key', place, `the key has ${key.length} bytes`));
}

/** Init segments, each read once. */
function initLoader(session: Session, playlist: string): (map: InitReference) => Promise<Init | undefined> {
  const read = new Map<string, Promise<Init | undefined>>();
  const load = async ({ url, line, range }: InitReference): Promise<Init | undefined> => {
    const place = { playlist, line };
    const bytes = await session.read(url, 'init', place, range);
    if (!bytes) return undefined;
    const init = readInit(bytes);
    session.findings.push(...init.problems.map((problem) => finding('init-segment', place, problem)));
    return init;
  };
  return (map) => {
    const name = `${map.url} ${map.range?.offset}`;
    const known = read.get(name) ?? load(map);
    read.set(name, known);
    return known;
  };
}

/** Media without init segment: a stream of packets, or MP4 whose EXT-X-MAP is missing. */
function checkUnmapped(bytes: Buffer, place: Place): Finding[] {
  const type = bytes.toString('latin1', 4, 8);
  return ['styp', 'moof', 'sidx', 'ftyp'].includes(type)
    ? [finding('map', place, `the segment begins with '${type}', but there is no EXT-X-MAP before it`)]
    : [];
}

/** Reads all segments of a playlist, one after the other: of each, only the facts are kept. */
export async function loadMedia(session: Session, playlist: MediaPlaylist, role: Role): Promise<Loaded> {
  const loadInit = initLoader(session, playlist.url);
  const segments: LoadedSegment[] = [];
  let transportStream = false;
  for (const key of new Set(playlist.segments.flatMap((segment) => segment.key ?? []))) {
    await checkKey(session, playlist.url, key);
  }
  for (const segment of playlist.segments) {
    const place = { playlist: playlist.url, line: segment.line };
    const init = segment.map && (await loadInit(segment.map));
    const bytes = await session.read(segment.url, role === 'text' ? 'text' : 'segment', place, segment.range);
    const loaded = { ...segment, bytes: bytes?.length ?? segment.range?.length ?? 0 };
    let facts: SegmentFacts | undefined;
    let cues: readonly Cue[] | undefined;
    if (segment.key) session.unchecked.add(`${playlist.url}: its media are encrypted`);
    else if (bytes && role === 'text' && !segment.map) {
      const read = readWebVtt(bytes, place);
      session.findings.push(...read.findings);
      cues = read.cues;
    } else if (bytes && init && init.tracks.length > 0) {
      const read = role === 'iframes' ? readKeyFrame : readSegment;
      facts = read(bytes, init, segment.range?.offset ?? 0);
      session.findings.push(...facts.problems.map(({ rule, message }) => finding(rule, place, message)));
    } else if (bytes && !segment.map) {
      session.findings.push(...checkUnmapped(bytes, place));
      session.unchecked.add(`${playlist.url}: its media are no fragmented MP4, so only their sizes count`);
      transportStream ||= bytes[0] === TS_SYNC;
    }
    segments.push({ ...loaded, ...(facts && { facts }), ...(init && { init }), ...(cues && { cues }) });
  }
  return { playlist, role, segments, transportStream };
}
