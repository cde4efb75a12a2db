/** Rules of renditions among each other: one timeline for all (rows 8.x, A1 of the checklist). */
import { type Finding, finding } from './finding.ts';
import type { Loaded } from './load.ts';
import { secondsOf } from './measure.ts';
import { has, isGrowing } from './playlist.ts';
import { mainRun } from './timeline.ts';

/** Seconds by which whole playlists may differ: encoders' priming, and rounding to whole frames. */
const SPAN_TOLERANCE = 0.1;
/** Row A1: seconds between the first sound and the first picture (EBU R37's wider bound is 60 ms). */
const START_TOLERANCE = 0.045;

/** Seconds by which a cue may lie outside its segment: rounding, and the picture's reordering. */
const CUE_TOLERANCE = 0.1;

/** Seconds at which each segment is first seen or heard. */
const startsOf = ({ segments }: Loaded): (number | undefined)[] =>
  segments.map((segment) => {
    const run = mainRun(segment);
    return run && run.shown / run.track.timescale;
  });

/** Segments of every rung begin at the same tick as the first rung's. */
function checkRungs(rungs: readonly Loaded[]): Finding[] {
  const [first, ...others] = rungs;
  if (!first) return [];
  return others.flatMap((rung) => {
    const place = { playlist: rung.playlist.url };
    const grow = isGrowing(rung.playlist) || isGrowing(first.playlist);
    if (!grow && rung.segments.length !== first.segments.length) {
      const message = `there are ${rung.segments.length} segments, the first rung has ${first.segments.length}`;
      return [finding('aligned-video', place, message)];
    }
    const index = rung.segments.findIndex((segment, at) => {
      const [mine, theirs] = [mainRun(segment), first.segments[at] && mainRun(first.segments[at])];
      return mine && theirs && mine.shown * theirs.track.timescale !== theirs.shown * mine.track.timescale;
    });
    if (index < 0) return [];
    const message = `the segment begins at ${startsOf(rung)[index]} s, the first rung's at ${startsOf(first)[index]} s`;
    return [finding('aligned-video', { ...place, line: rung.segments[index]?.line }, message)];
  });
}

/** Segments of sound begin within one of their frames of a segment of the picture, and with the picture. */
function checkSoundStarts(sound: Loaded, picture: Loaded): Finding[] {
  const findings: Finding[] = [];
  const pictures = startsOf(picture).filter((start) => start !== undefined);
  for (const [index, segment] of sound.segments.entries()) {
    const run = mainRun(segment);
    if (!run || pictures.length === 0) continue;
    const start = run.shown / run.track.timescale;
    const off = Math.min(...pictures.map((other) => Math.abs(other - start)));
    const place = { playlist: sound.playlist.url, line: segment.line };
    if (index === 0 && Math.abs(start - (pictures[0] ?? 0)) > START_TOLERANCE) {
      findings.push(
        finding('start-together', place, `sound begins at ${start} s, the picture at ${pictures[0]} s`),
      );
    } else if (off > run.longest / run.track.timescale + 1e-6) {
      findings.push(
        finding(
          'aligned-audio',
          place,
          `the segment begins at ${start.toFixed(3)} s, ${off.toFixed(3)} s from the nearest of the picture`,
        ),
      );
    }
  }
  return findings;
}

/** Each cue of a text segment is shown while that segment plays (RFC 8216, 3.5), counted from the first picture. */
function checkCues(text: Loaded, picture: Loaded): Finding[] {
  let end = startsOf(picture)[0];
  if (end === undefined) return [];
  const findings: Finding[] = [];
  for (const { cues = [], line, seconds } of text.segments) {
    const [from, to] = [end - CUE_TOLERANCE, end + seconds + CUE_TOLERANCE];
    end += seconds;
    const stray = cues.find((cue) => cue.to < from || cue.from > to);
    if (!stray) continue;
    const shown = `a cue is shown from ${stray.from.toFixed(3)} to ${stray.to.toFixed(3)} s of the media's clock`;
    const plays = `the segment plays from ${(end - seconds).toFixed(3)} to ${end.toFixed(3)} s`;
    findings.push(finding('cue-time', { playlist: text.playlist.url, line }, `${shown}, ${plays}`));
  }
  return findings;
}

/** Seconds of the playlist's clock at which its discontinuities are. */
function discontinuitiesOf({ segments }: Loaded): number[] {
  let seconds = 0;
  return segments.flatMap((segment) => {
    const at = segment.discontinuity ? [seconds] : [];
    seconds += segment.seconds;
    return at;
  });
}

/** A playlist against the first video playlist: length, target duration, discontinuities. */
function checkAgainst(first: Loaded, other: Loaded): Finding[] {
  const findings: Finding[] = [];
  const place = { playlist: other.playlist.url };
  const [mine, theirs] = [secondsOf(other), secondsOf(first)];
  // Of two that grow, the one that is read later may have more.
  const whole = !isGrowing(other.playlist) && !isGrowing(first.playlist);
  if (whole && Math.abs(mine - theirs) > SPAN_TOLERANCE) {
    findings.push(
      finding('same-span', place, `it covers ${mine.toFixed(3)} s, the first variant ${theirs.toFixed(3)} s`),
    );
  }
  if (other.role === 'iframes') return findings;
  if (other.role !== 'text' && other.playlist.target !== first.playlist.target) {
    findings.push(
      finding(
        'same-target',
        place,
        `the target is ${other.playlist.target} s, the first variant's ${first.playlist.target} s`,
      ),
    );
  }
  const [here, there] = [discontinuitiesOf(other), discontinuitiesOf(first)];
  if (
    here.length !== there.length ||
    here.some((time, index) => Math.abs(time - (there[index] ?? 0)) > SPAN_TOLERANCE)
  ) {
    findings.push(
      finding(
        'discontinuities',
        place,
        `there are ${here.length} at [${here}] s, in the first variant ${there.length} at [${there}] s`,
      ),
    );
  }
  return findings;
}

/**
 * All renditions on one timeline.
 * @param independent whether the multivariant playlist says so for all
 */
export function checkTogether(all: readonly Loaded[], independent: boolean): Finding[] {
  const whole = all.filter(({ segments }) => segments.length > 0);
  const video = whole.filter(({ role }) => role === 'video');
  const [first] = video;
  if (!first) return [];
  const others = whole.filter((loaded) => loaded !== first);
  const dependent = independent
    ? []
    : video.filter(({ playlist }) => !has(playlist, 'EXT-X-INDEPENDENT-SEGMENTS'));
  return [
    ...checkRungs(video),
    ...others.filter(({ role }) => role === 'audio').flatMap((sound) => checkSoundStarts(sound, first)),
    ...others.filter(({ role }) => role === 'text').flatMap((text) => checkCues(text, first)),
    ...others.flatMap((other) => checkAgainst(first, other)),
    ...dependent.map(({ playlist }) =>
      finding(
        'independent',
        { playlist: playlist.url },
        '#EXT-X-INDEPENDENT-SEGMENTS is neither here nor in the multivariant playlist',
      ),
    ),
  ];
}
