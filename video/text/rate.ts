/** How many bits a second the words take: players add them to those of picture and sound. */
import { type BitRate, measureBandwidth } from '../bit-rate.ts';
import { toNumber } from '../rational.ts';
import { EMPTY_SEGMENT, segmentName, type Timeline, textTarget } from './webvtt.ts';

/**
 * Peak and average of a rendition.
 * @param sizes bytes of its files, by their names in its folder
 */
export function textRate(sizes: ReadonlyMap<string, number>, timeline: Timeline): BitRate {
  const { rate, frames, segmentFrames } = timeline;
  const segments = Array.from({ length: Math.ceil(frames / segmentFrames) }, (_, number) => ({
    length: sizes.get(segmentName(number)) ?? sizes.get(EMPTY_SEGMENT) ?? 0,
    seconds: Math.min(segmentFrames, frames - number * segmentFrames) / toNumber(rate),
  }));
  return measureBandwidth(segments, textTarget(timeline));
}
