/** Text segments (RFC 8216, 3.5; WebVTT 4.1). */
import { type Finding, finding, type Place } from './finding.ts';

/** When a cue is shown: seconds of the media's clock. */
export interface Cue {
  readonly from: number;
  readonly to: number;
}

/** Ticks a second of MPEGTS in X-TIMESTAMP-MAP. */
const MPEG_CLOCK = 90_000;
const TIME = /^(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})$/;

/** Seconds of `hh:mm:ss.ttt`; NaN where it is none. */
function secondsOf(text: string): number {
  const [, hours = '0', minutes, seconds, thousandths] = TIME.exec(text) ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(thousandths) / 1000;
}

/** Seconds that X-TIMESTAMP-MAP adds to the times of cues; NaN where it can not be read. */
function offsetOf(header: string): number {
  const [, map = ''] = /^X-TIMESTAMP-MAP=(.*)$/m.exec(header) ?? [];
  const [, ticks] = /MPEGTS:(\d+)/.exec(map) ?? [];
  const [, local = ''] = /LOCAL:([\d:.]+)/.exec(map) ?? [];
  return Number(ticks) / MPEG_CLOCK - secondsOf(local);
}

/**
 * Reads a text segment: UTF-8 that begins as WebVTT does, says how its times lie on the media's, and whose cues end
 * after they begin.
 */
export function readWebVtt(bytes: Buffer, place: Place): { cues: Cue[]; findings: Finding[] } {
  const text = new TextDecoder('utf-8').decode(bytes);
  const [header = ''] = text.split(/\r?\n\r?\n/, 1);
  const offset = offsetOf(header);
  const timings = text.split(/\r?\n/).filter((line) => line.includes('-->'));
  const cues = timings.map((line) => {
    const [from = '', to = ''] = line.split('-->').map((part) => part.trim().split(/\s/, 1)[0]);
    return { line, from: secondsOf(from) + offset, to: secondsOf(to) + offset };
  });
  const backward = cues.find(({ from, to }) => !Number.isNaN(offset) && !(from < to));
  const problems = [
    ...(text.includes('\ufffd') ? ['there are bytes that are no UTF-8'] : []),
    ...(/^WEBVTT([ \t\r\n]|$)/.test(text) ? [] : ['it does not begin with WEBVTT']),
    ...(Number.isNaN(offset) ? ['there is no X-TIMESTAMP-MAP with MPEGTS and LOCAL'] : []),
    ...(backward ? [`'${backward.line}' is no time with an end after its begin`] : []),
  ];
  return {
    cues: problems.length === 0 ? cues : [],
    findings: problems.map((problem) => finding('webvtt', place, problem)),
  };
}
