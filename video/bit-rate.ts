/** How many bits a second renditions take, as multivariant playlists tell it. */

/** Bits a second. */
export interface BitRate {
  readonly peak: number;
  readonly average: number;
}

/** A segment by its bytes and its time. */
export interface Measured {
  readonly length: number;
  readonly seconds: number;
}

/**
 * Peak and average of a rendition. The peak is the highest over runs of segments that together last between half and
 * one and a half target durations (rfc8216bis, 4.4.6.2 BANDWIDTH).
 */
export function measureBandwidth(segments: readonly Measured[], target: number): BitRate {
  const rate = (run: readonly Measured[]) => {
    const seconds = run.reduce((sum, segment) => sum + segment.seconds, 0);
    return { seconds, bitsPerSecond: (8 * run.reduce((sum, segment) => sum + segment.length, 0)) / seconds };
  };
  const average = rate(segments).bitsPerSecond;
  let peak = average;
  for (let from = 0; from < segments.length; from++) {
    for (let to = from + 1; to <= segments.length; to++) {
      const { seconds, bitsPerSecond } = rate(segments.slice(from, to));
      if (seconds > 1.5 * target) break;
      if (seconds >= 0.5 * target) peak = Math.max(peak, bitsPerSecond);
    }
  }
  return { peak: Math.ceil(peak), average: Math.ceil(average) };
}
