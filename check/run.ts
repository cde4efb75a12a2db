/** What reading a segment yields. */
import type { Track } from './init.ts';
import type { RuleName } from './rules.ts';

/** A broken rule, before it is known where the segment stands in its playlist. */
export interface Problem {
  readonly rule: RuleName;
  readonly message: string;
}

/** What a segment has of one track; times in ticks. */
export interface Run {
  readonly track: Track;
  readonly start: number;
  readonly end: number;
  /** The earliest picture or sound that is shown. */
  readonly shown: number;
  readonly samples: number;
  readonly shortest: number;
  readonly longest: number;
  /** Presentation times of IDR pictures. */
  readonly keys: readonly number[];
  readonly startsWithKey: boolean;
  readonly captions: boolean;
}

export interface SegmentFacts {
  readonly runs: readonly Run[];
  readonly problems: readonly Problem[];
}
