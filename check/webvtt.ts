/** Text segments (RFC 8216, 3.5). */
import { type Finding, finding, type Place } from './finding.ts';

/** A segment is UTF-8, begins as WebVTT does, and says how its times lie on the media's. */
export function checkWebVtt(bytes: Buffer, place: Place): Finding[] {
  const text = new TextDecoder('utf-8').decode(bytes);
  const [header = ''] = text.split(/\r?\n\r?\n/, 1);
  const problems = [
    ...(text.includes('\ufffd') ? ['there are bytes that are no UTF-8'] : []),
    ...(/^WEBVTT([ \t\r\n]|$)/.test(text) ? [] : ['it does not begin with WEBVTT']),
    ...(/^X-TIMESTAMP-MAP=/m.test(header) ? [] : ['there is no X-TIMESTAMP-MAP']),
  ];
  return problems.map((problem) => finding('webvtt', place, problem));
}
