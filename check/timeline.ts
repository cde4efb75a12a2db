/** Rules of one rendition's time: fragments, EXTINFs, key frames (rows 1.13, 7.x, 8.1 of the checklist). */
import { type Finding, finding } from './finding.ts';
import type { Loaded, LoadedSegment } from './load.ts';
import type { Run } from './run.ts';

/** Rule 1.13: seconds between key frames; half a frame at 24 a second more, for rates that do not divide. */
const KEY_INTERVAL = 2 + 0.5 / 24;
/** Rule 7.5: seconds of a segment, give or take. */
const NOMINAL = { least: 5, most: 7 };
/** Seconds below which a segment is a runt. */
const RUNT = 0.5;
/** Rule 6.2: seconds an I-frame stands, with room for rates that do not divide. */
const DENSE = 1.05;

/** The track that a segment is timed by: its picture, or its sound where it has none. */
export const mainRun = ({ facts }: LoadedSegment): Run | undefined =>
  facts?.runs.find(({ track }) => track.kind === 'video') ?? facts?.runs[0];

const frameOf = ({ track, longest }: Run): number => longest / track.timescale;

/** Each segment begins where the one before ended, in every track (7.1). */
function checkContinuity({ playlist, segments }: Loaded): Finding[] {
  return segments.flatMap((segment, index) => {
    const before = segments[index - 1];
    if (!before || segment.discontinuity) return [];
    return (segment.facts?.runs ?? []).flatMap((run) => {
      const last = before.facts?.runs.find(({ track }) => track.id === run.track.id);
      if (!last || last.end === run.start) return [];
      const message = `track ${run.track.id} begins at tick ${run.start}, the segment before ended at ${last.end}`;
      return [finding('timeline', { playlist: playlist.url, line: segment.line }, message)];
    });
  });
}

/** EXTINFs, added up over any run of segments, stay within a frame of the media (8.1). */
function checkDurations(loaded: Loaded): Finding[] {
  const { playlist, segments, role } = loaded;
  let ahead = 0;
  let [least, most] = [0, 0];
  for (const [index, segment] of segments.entries()) {
    const run = mainRun(segment);
    if (!run) return [];
    const next = segments[index + 1];
    const following = next && mainRun(next);
    // A key frame lasts until the next one; the last one's end is not in the playlist's bytes.
    if (role === 'iframes' && !following) break;
    const end = role === 'iframes' && following ? following.start : run.end;
    if (!(role === 'iframes' && next?.discontinuity))
      ahead += segment.seconds - (end - run.start) / run.track.timescale;
    [least, most] = [Math.min(least, ahead), Math.max(most, ahead)];
    if (most - least > frameOf(run) + 1e-6) {
      const off = (most - least).toFixed(3);
      return [
        finding(
          'extinf-true',
          { playlist: playlist.url, line: segment.line },
          `EXTINFs are ${off} s off the media here`,
        ),
      ];
    }
  }
  return [];
}

/** Key frames at most two seconds apart (1.13). */
function checkKeyInterval({ playlist, segments }: Loaded): Finding[] {
  const findings: Finding[] = [];
  let last: number | undefined;
  for (const segment of segments) {
    const run = mainRun(segment);
    if (run?.track.kind !== 'video') return findings;
    if (segment.discontinuity) last = undefined;
    const times = [...run.keys, ...(segment === segments.at(-1) ? [run.shown + run.end - run.start] : [])];
    for (const ticks of times) {
      const time = ticks / run.track.timescale;
      if (last !== undefined && time - last > KEY_INTERVAL) {
        const message = `the key frame at ${last.toFixed(2)} s is the last for ${(time - last).toFixed(2)} s`;
        findings.push(finding('key-interval', { playlist: playlist.url, line: segment.line }, message));
      }
      last = time;
    }
  }
  return findings;
}

/** Segments of about six seconds, no runts (7.5, 7.6). */
function checkLengths({ playlist, segments }: Loaded): Finding[] {
  const whole = segments.slice(0, -1);
  const mean = whole.reduce((sum, { seconds }) => sum + seconds, 0) / whole.length;
  const findings: Finding[] = [];
  if (mean < NOMINAL.least || mean > NOMINAL.most) {
    findings.push(
      finding('segment-length', { playlist: playlist.url }, `segments last ${mean.toFixed(2)} s on average`),
    );
  }
  const runts = whole.length > 0 ? segments.filter(({ seconds }) => seconds < RUNT) : [];
  return [
    ...findings,
    ...runts.map(({ line, seconds }) =>
      finding('segment-length', { playlist: playlist.url, line }, `the segment has only ${seconds} s`),
    ),
  ];
}

/** Pictures for scrubbing, one a second (6.2). */
function checkDensity({ playlist, segments }: Loaded): Finding[] {
  const mean = segments.reduce((sum, { seconds }) => sum + seconds, 0) / segments.length;
  return mean > DENSE
    ? [finding('iframe-dense', { playlist: playlist.url }, `there is a picture every ${mean.toFixed(2)} s`)]
    : [];
}

/** Another codec or number of channels only after a discontinuity (2.11). */
function checkMaps({ playlist, segments }: Loaded): Finding[] {
  const shape = ({ init }: LoadedSegment) =>
    init?.tracks.map(({ kind, text, channels }) => `${kind} ${text} ${channels ?? ''}`.trim()).join(', ');
  return segments.flatMap((segment, index) => {
    const before = segments[index - 1];
    if (!before || segment.discontinuity || segment.init === before.init || shape(segment) === shape(before))
      return [];
    const message = `${shape(before)} becomes ${shape(segment)} without EXT-X-DISCONTINUITY`;
    return [finding('map-change', { playlist: playlist.url, line: segment.line }, message)];
  });
}

/** All rules of one rendition's time. */
export function checkTimeline(loaded: Loaded): Finding[] {
  const common = [...checkDurations(loaded), ...checkMaps(loaded)];
  if (loaded.role === 'iframes') return [...common, ...checkDensity(loaded)];
  const picture = loaded.role === 'video' ? [...checkKeyInterval(loaded), ...checkLengths(loaded)] : [];
  return [...common, ...checkContinuity(loaded), ...picture];
}
