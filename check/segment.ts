/** Reads a segment of fragmented MP4: its timeline by track, its key frames, and what is wrong with its boxes. */
import { type Box, boxesIn } from './boxes.ts';
import { messageOf } from './finding.ts';
import { readFragment, type Sample, type TrackFragment } from './fragments.ts';
import type { Init, Track } from './init.ts';
import { hasCaptions, isKeyPicture } from './pictures.ts';
import type { Problem, Run, SegmentFacts } from './run.ts';
import { checkIndex } from './sidx.ts';

/** Samples lie in their `mdat` and fill it. */
function checkBytes(mdat: Box | undefined, fragments: readonly TrackFragment[]): Problem[] {
  if (!mdat) return [{ rule: 'boxes', message: "a 'moof' has no 'mdat' behind it" }];
  const samples = fragments.flatMap((fragment) => fragment.samples);
  const outside = samples.find(({ offset, size }) => offset < mdat.content || offset + size > mdat.end);
  if (outside)
    return [{ rule: 'sample-bytes', message: `a sample at ${outside.offset} lies outside its 'mdat'` }];
  const total = samples.reduce((sum, { size }) => sum + size, 0);
  const length = mdat.end - mdat.content;
  const message = `the samples have ${total} bytes, their 'mdat' ${length}`;
  return total === length ? [] : [{ rule: 'sample-bytes', message }];
}

/** Fragments of one track follow each other to the tick. */
function checkTimes(fragments: readonly TrackFragment[]): Problem[] {
  const problems: Problem[] = [];
  let time: number | undefined;
  for (const { track, decodeTime, samples } of fragments) {
    if (decodeTime === undefined)
      problems.push({ rule: 'decode-time', message: `track ${track.id} has no tfdt` });
    else if (time !== undefined && decodeTime !== time) {
      const message = `track ${track.id} goes on at tick ${decodeTime}, not at ${time}`;
      problems.push({ rule: 'timeline', message });
    }
    time = (decodeTime ?? 0) + samples.reduce((sum, { duration }) => sum + duration, 0);
  }
  return problems;
}

function runOf(data: Buffer, track: Track, samples: readonly Sample[]): Run | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (!first || !last) return undefined;
  const durations = samples.map(({ duration }) => duration);
  const video = track.kind === 'video';
  const keys = video ? samples.filter((sample) => sample.sync && isKeyPicture(data, track, sample)) : [];
  const smallest = (values: readonly number[]) =>
    values.reduce((least, value) => Math.min(least, value), Infinity);
  return {
    track,
    start: first.decodeTime,
    end: last.decodeTime + last.duration,
    shown: smallest(samples.map(({ presentationTime }) => presentationTime)),
    samples: samples.length,
    shortest: smallest(durations),
    longest: durations.reduce((most, value) => Math.max(most, value), 0),
    keys: keys.map(({ presentationTime }) => presentationTime),
    startsWithKey: !video || keys[0] === first,
    captions: video && samples.slice(0, 2).some((sample) => hasCaptions(data, track, sample)),
  };
}

/** Fragments by track, and the runs they make. */
function runsOf(data: Buffer, fragments: readonly TrackFragment[]): { runs: Run[]; problems: Problem[] } {
  const byTrack = [...Map.groupBy(fragments, ({ track }) => track)];
  const runs = byTrack.flatMap(
    ([track, own]) =>
      runOf(
        data,
        track,
        own.flatMap(({ samples }) => samples),
      ) ?? [],
  );
  return { runs, problems: byTrack.flatMap(([, own]) => checkTimes(own)) };
}

/**
 * Reads a whole segment.
 * @param origin where it begins in its file
 */
export function readSegment(data: Buffer, { tracks }: Init, origin: number): SegmentFacts {
  try {
    const boxes = boxesIn(data, 0, data.length);
    const cut = boxes.find(({ end }) => end > data.length);
    if (cut)
      return { runs: [], problems: [{ rule: 'boxes', message: `'${cut.type}' at ${cut.start} is cut` }] };
    const problems: Problem[] = [];
    const all: TrackFragment[] = [];
    for (const [index, moof] of boxes.entries()) {
      if (moof.type !== 'moof') continue;
      const fragments = readFragment(data, moof, tracks, origin);
      problems.push(
        ...checkBytes(
          boxes.slice(index + 1).find(({ type }) => type === 'mdat'),
          fragments,
        ),
      );
      all.push(...fragments);
    }
    const [media] = boxes.filter(({ type }) => type === 'moof' || type === 'mdat');
    if (media?.type !== 'moof')
      problems.push({ rule: 'boxes', message: "there is no 'moof' before the first 'mdat'" });
    const { runs, problems: late } = runsOf(data, all);
    problems.push(...late, ...checkIndex(data, boxes, runs));
    const keyless = runs.find(({ startsWithKey }) => !startsWithKey);
    if (keyless) problems.push({ rule: 'segment-key', message: 'its first picture is no IDR picture' });
    return { runs, problems };
  } catch (error) {
    return { runs: [], problems: [{ rule: 'boxes', message: messageOf(error) }] };
  }
}

/** Reads what an I-frame playlist addresses: a `moof` and, of its media, at least the key frame (6.10). */
export function readKeyFrame(data: Buffer, { tracks }: Init, origin: number): SegmentFacts {
  const wrong = (message: string): SegmentFacts => ({
    runs: [],
    problems: [{ rule: 'iframe-range', message }],
  });
  try {
    const moof = boxesIn(data, 0, data.length).find(({ type }) => type === 'moof');
    if (!moof) return wrong("the range holds no 'moof'");
    const [fragment] = readFragment(data, moof, tracks, origin);
    const sample = fragment?.samples[0];
    if (!fragment || !sample) return wrong('the range holds no sample');
    if (sample.offset + sample.size > data.length)
      return wrong(`the picture ends ${sample.offset + sample.size - data.length} bytes after the range`);
    if (!isKeyPicture(data, fragment.track, sample)) return wrong('the picture is no IDR picture');
    const run = runOf(data, fragment.track, [sample]);
    return { runs: run ? [run] : [], problems: [] };
  } catch (error) {
    return wrong(messageOf(error));
  }
}
