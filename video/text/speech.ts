/** Generated subtitles: what recognised words become, and how recognisers are asked for them. */
import { z } from 'zod';
import { COMMON, input } from '../ffmpeg-arguments.ts';
import { durationOf, type Plan } from '../plan.ts';
import type { Cue } from './cues.ts';
import { escapeText } from './markup.ts';

/** A recognised word. Times are whole milliseconds from the beginning of what was listened to. */
export interface Word {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Samples a second that recognisers want, of one channel and 16 bits. */
export const SPEECH_RATE = 16_000;

/** Characters of a line and lines of a cue: what broadcasters allow, and two lines cover little of the picture. */
const LINE = 42;
const LINES = 2;
/** Milliseconds without a word that end a cue. */
const PAUSE = 700;
/** Milliseconds that a cue may last, and that it lasts where nothing follows: time to read it. */
const LONGEST = 7000;
const SHORTEST = 1000;
/** The end of a sentence. */
const SENTENCE_END = /[.?!…。？！]$/u;

/** ffmpeg giving a sound track to a recogniser: mono PCM on standard output that begins and ends with the stream. */
export function speechArguments(plan: Plan, stream: number, url: string): string[] {
  const filter = [
    `asetpts=PTS-${plan.origin}/TB`,
    `aresample=${SPEECH_RATE}:async=1:min_hard_comp=0.02:first_pts=0`,
    'aformat=sample_fmts=s16:channel_layouts=mono',
    `atrim=end=${durationOf(plan)}`,
  ].join(',');
  return [
    ...[...COMMON, '-copyts', '-vn', '-sn', '-dn', '-threads', '1', ...input(url)],
    ...['-map', `0:${stream}`, '-filter:a', filter, '-flags', '+bitexact', '-f', 's16le', 'pipe:1'],
  ];
}

/** A line of PocketSphinx's `-time yes`: word, start, end, confidence. `<s>`, `[NOISE]` and `++UM++` are no words. */
const SPHINX_WORD = /^([^<[+\s]\S*) (\d+\.\d+) (\d+\.\d+) \d+\.\d+$/gm;

/** The words of what PocketSphinx printed. */
export function parsePocketsphinx(output: string): Word[] {
  return [...output.matchAll(SPHINX_WORD)].map(([, word = '', start, end]) => ({
    start: Math.round(Number(start) * 1000),
    end: Math.round(Number(end) * 1000),
    text: word.replace(/\(\d+\)$/, ''), // which of its pronunciations it was
  }));
}

/** The part of `whisper-cli --output-json` that is used: with `--max-len 1 --split-on-word`, an entry is a word. */
const whisperSchema = z.object({
  transcription: z.array(
    z.object({
      /** Milliseconds. */
      offsets: z.object({ from: z.int(), to: z.int() }),
      text: z.string(),
    }),
  ),
});

/** The words of what whisper.cpp wrote. Throws where it is not that. */
export function parseWhisper(json: string): Word[] {
  return whisperSchema.parse(JSON.parse(json)).transcription.flatMap(({ offsets, text }) => {
    const said = text.trim();
    return said === '' ? [] : [{ start: offsets.from, end: Math.max(offsets.from, offsets.to), text: said }];
  });
}

/** Text that no line can hold, as pieces: languages without spaces come as whole sentences. */
function pieces(word: Word): Word[] {
  const letters = Array.from(word.text);
  const time = (at: number) =>
    Math.round(word.start + ((word.end - word.start) * Math.min(at, letters.length)) / letters.length);
  return Array.from({ length: Math.ceil(letters.length / LINE) }, (_, index) => ({
    start: time(index * LINE),
    end: time((index + 1) * LINE),
    text: letters.slice(index * LINE, (index + 1) * LINE).join(''),
  }));
}

/** Words as lines, each as full as it can be. */
function linesOf(words: readonly Word[]): string[] {
  const lines: string[] = [];
  for (const { text } of words) {
    const longer = `${lines.at(-1) ?? ''} ${text}`.trimStart();
    if (lines.length > 0 && Array.from(longer).length <= LINE) lines[lines.length - 1] = longer;
    else lines.push(text);
  }
  return lines;
}

/** Whether a word begins a new cue after those of the cue before it. */
function beginsCue(cue: readonly Word[], word: Word): boolean {
  const [first, last] = [cue[0], cue.at(-1)];
  if (!first || !last) return false;
  if (word.start - last.end >= PAUSE || word.end - first.start > LONGEST) return true;
  return SENTENCE_END.test(last.text) || linesOf([...cue, word]).length > LINES;
}

/** Words as cues that can be read: broken at pauses, ends of sentences, and where two lines are full. */
export function groupWords(words: readonly Word[]): Cue[] {
  const groups: Word[][] = [];
  for (const word of words.flatMap(pieces)) {
    const cue = groups.at(-1);
    if (cue && !beginsCue(cue, word)) cue.push(word);
    else groups.push([word]);
  }
  return groups.flatMap((group, index): Cue[] => {
    const [first, last] = [group[0], group.at(-1)];
    if (!first || !last) return [];
    const next = groups[index + 1]?.[0]?.start ?? Number.POSITIVE_INFINITY;
    const end = Math.max(last.end, Math.min(first.start + SHORTEST, next));
    const text = linesOf(group).map(escapeText);
    return [{ start: first.start, end, text: text.join('\n') }];
  });
}
