/**
 * Reads SubRip, WebVTT and ASS, as forgiving as players are: people's files have other times, blank lines and numbers
 * than the formats say.
 */
import { type Cue, orderCues } from './cues.ts';
import { assToCueText, htmlToCueText, settingsOfAlignment } from './markup.ts';

export type SubtitleFormat = 'srt' | 'vtt' | 'ass';

/** Hours may be left out or have any number of digits; the fraction follows a comma, a point or a colon. */
const TIME = String.raw`(-?)(?:(\d{1,5})\s*:\s*)?(\d{1,3})\s*:\s*(\d{1,2})(?:\s*[,.:]\s*(\d{1,9}))?`;
const TIMING = new RegExp(String.raw`^\s*${TIME}\s*--?>\s*${TIME}(.*)$`);

/** Milliseconds of a time's parts: sign, hours, minutes, seconds, fraction. */
function milliseconds(parts: readonly (string | undefined)[]): number {
  const [sign, hours = '0', minutes = '0', seconds = '0', fraction = '0'] = parts;
  const whole = (Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds);
  const value = Math.round((whole + Number(`0.${fraction}`)) * 1000);
  return sign === '-' ? -value : value;
}

/** WebVTT's cue settings that are kept: their place (https://www.w3.org/TR/webvtt1/#webvtt-cue-settings-list). */
const SETTING =
  /^(line:-?\d+(\.\d+)?%?(,(start|center|end))?|position:\d+(\.\d+)?%(,(line-left|center|line-right))?|align:(start|center|end|left|right)|size:\d+(\.\d+)?%|vertical:(rl|lr))$/;

const settingsOf = (text: string): string =>
  text
    .trim()
    .split(/\s+/)
    .filter((setting) => SETTING.test(setting))
    .join(' ');

interface Open {
  readonly start: number;
  readonly end: number;
  readonly settings: string;
  readonly lines: string[];
}

/** Alignment of ASS in the middle of SubRip: `{\an8}`, or of older files `{\a6}`. */
const ALIGNMENT = /\{\\an([1-9])\}/;

/** Characters of a cue that are read: more than anybody could while it is shown. */
const LONGEST_CUE = 10_000;

function closeCue({ start, end, settings, lines }: Open): Cue {
  const joined = lines.join('\n').slice(0, LONGEST_CUE);
  const aligned = ALIGNMENT.exec(joined)?.[1];
  const place = settings || (aligned === undefined ? undefined : settingsOfAlignment(Number(aligned)));
  const text = htmlToCueText(joined.replace(/\{\\[^{}]*\}/g, ''));
  return { start, end, text, ...(place && { settings: place }) };
}

/** A block of WebVTT that is no cue. */
const NO_CUE = /^(WEBVTT|NOTE|STYLE|REGION)(\s|$)/;

/**
 * SubRip or WebVTT. A cue ends at the next one's time, or at a blank line after which no text goes on: SubRip that is
 * made by hand has blank lines within cues, and none between them.
 * @param blankEnds whether a blank line always ends a cue, as WebVTT says
 */
function parseTimed(text: string, blankEnds: boolean): Cue[] {
  const lines = text.split(/\r\n|\r|\n/);
  const cues: Cue[] = [];
  let open: Open | undefined;
  let skipping = false;
  const close = () => {
    if (open) cues.push(closeCue(open));
    open = undefined;
  };
  for (const line of lines) {
    const timing = TIMING.exec(line);
    if (timing) {
      // What stands directly above is the cue's number or name, not the last one's text.
      if (open && /^\s*\d+\s*$/.test(open.lines.at(-1) ?? '')) open.lines.pop();
      close();
      skipping = false;
      const [start, end] = [milliseconds(timing.slice(1, 6)), milliseconds(timing.slice(6, 11))];
      open = { start, end, settings: settingsOf(timing[11] ?? ''), lines: [] };
    } else if (blankEnds && line.trim() === '') {
      close();
      skipping = false;
    } else if (!open && NO_CUE.test(line)) {
      skipping = true;
    } else if (!skipping) {
      open?.lines.push(line);
    }
  }
  close();
  return cues;
}

/** The fields of an event in the order in which ffmpeg and nearly every file has them. */
const EVENT_FIELDS = 'Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text';

/** Fields that a line may have; those of styles, the longest that are known, are 23. */
const MOST_FIELDS = 50;

const fieldsOf = (line: string): string[] =>
  line
    .slice(line.indexOf(':') + 1)
    .split(',', MOST_FIELDS)
    .map((field) => field.trim().toLowerCase());

/** The values of a line; the last field, a text, may hold commas. */
function valuesOf(line: string, fields: readonly string[]): Map<string, string> {
  const values = line
    .slice(line.indexOf(':') + 1)
    .trim()
    .split(',');
  const text = values.slice(fields.length - 1).join(',');
  return new Map(
    fields.map((field, index) => [field, index === fields.length - 1 ? text : (values[index] ?? '').trim()]),
  );
}

/** ASS and SSA. @param asWritten whether the file says truly how its events' fields are ordered: ffmpeg's do not */
function parseAss(text: string, asWritten: boolean): Cue[] {
  const cues: Cue[] = [];
  const styles = new Map<string, Map<string, string>>();
  let section = '';
  let height: number | undefined;
  let fields = fieldsOf(`:${EVENT_FIELDS}`);
  let styleFields: string[] = [];
  for (const line of text.split(/\r\n|\r|\n/)) {
    section = /^\s*\[(.+)\]\s*$/.exec(line)?.[1]?.toLowerCase() ?? section;
    height = Number(/^\s*PlayResY\s*:\s*(\d+)/i.exec(line)?.[1]) || height;
    const kind = /^\s*(Format|Style|Dialogue)\s*:/i.exec(line)?.[1]?.toLowerCase();
    if (kind === 'format' && section === 'events' && asWritten) fields = fieldsOf(line);
    if (kind === 'format' && section.includes('styles')) styleFields = fieldsOf(line);
    if (kind === 'style') {
      const style = valuesOf(line, styleFields);
      styles.set(style.get('name') ?? '', style);
    }
    if (kind !== 'dialogue') continue;
    const event = valuesOf(line, fields);
    const [start, end] = ['start', 'end'].map((name) =>
      new RegExp(`^${TIME}$`).exec((event.get(name) ?? '').trim()),
    );
    if (!start || !end) continue;
    const style = styles.get((event.get('style') ?? '').replace(/^\*/, ''));
    const words = (event.get('text') ?? '').slice(0, LONGEST_CUE);
    const said = assToCueText(words, Number(style?.get('italic') ?? 0) !== 0, height);
    cues.push({ start: milliseconds(start.slice(1)), end: milliseconds(end.slice(1)), ...said });
  }
  return cues;
}

/** Which of the formats a text is, by what it begins with or holds; undefined where it is none. */
export function formatOf(text: string): SubtitleFormat | undefined {
  if (/^\s*WEBVTT/.test(text)) return 'vtt';
  if (/^[ \t]*\[(Script Info|V4\+? Styles|Events)\]/im.test(text)) return 'ass';
  return text.split(/\r\n|\r|\n/).some((line) => TIMING.test(line)) ? 'srt' : undefined;
}

/**
 * The cues of a text, in the order of their time.
 * @param options.asWritten false for ASS of ffmpeg's, whose events do not follow the header that they come with
 */
export function parseCues(text: string, format: SubtitleFormat, { asWritten = true } = {}): Cue[] {
  if (format === 'ass') return orderCues(parseAss(text, asWritten));
  return orderCues(parseTimed(text, format === 'vtt'));
}
