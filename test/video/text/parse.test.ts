import { describe, expect, test } from '@jest/globals';
import type { Cue } from '../../../video/text/cues.ts';
import { clipCues } from '../../../video/text/cues.ts';
import { formatOf, parseCues, type SubtitleFormat } from '../../../video/text/parse.ts';

const cue = (start: number, end: number, text: string, settings?: string): Cue => ({
  start,
  end,
  text,
  ...(settings !== undefined && { settings }),
});

const read = (text: string) => {
  const format = formatOf(text);
  return format && parseCues(text, format);
};

describe('SubRip, as people make it', () => {
  const cases: ReadonlyArray<readonly [rule: string, text: string, cues: readonly Cue[]]> = [
    [
      'is numbers, times and text',
      '1\n00:00:01,000 --> 00:00:02,500\nHello\nthere\n\n2\n00:00:03,000 --> 00:00:04,000\nAgain\n',
      [cue(1000, 2500, 'Hello\nthere'), cue(3000, 4000, 'Again')],
    ],
    [
      'may have lines that end as on Windows, or on old Macs',
      '1\r\n00:00:01,000 --> 00:00:02,000\r\nA\r\n\r\n2\r00:00:03,000 --> 00:00:04,000\rB',
      [cue(1000, 2000, 'A'), cue(3000, 4000, 'B')],
    ],
    [
      'may lack the blank lines between cues',
      '1\n00:00:01,000 --> 00:00:02,000\nA\n2\n00:00:03,000 --> 00:00:04,000\nB\n',
      [cue(1000, 2000, 'A'), cue(3000, 4000, 'B')],
    ],
    [
      'may have blank lines within a cue, and none ever comes out',
      '1\n00:00:01,000 --> 00:00:02,000\nA\n\nB\n\n\n2\n00:00:03,000 --> 00:00:04,000\nC\n',
      [cue(1000, 2000, 'A\nB'), cue(3000, 4000, 'C')],
    ],
    [
      'may lack its numbers',
      '00:00:01,000 --> 00:00:02,000\nA\n\n00:00:03,000 --> 00:00:04,000\nB\n',
      [cue(1000, 2000, 'A'), cue(3000, 4000, 'B')],
    ],
    [
      'may be in any order',
      '2\n00:00:03,000 --> 00:00:04,000\nB\n\n1\n00:00:01,000 --> 00:00:02,000\nA\n',
      [cue(1000, 2000, 'A'), cue(3000, 4000, 'B')],
    ],
    [
      'may have points, short fractions, no fractions, no hours or hundreds of them',
      '0:1.5 --> 1:2:3\nA\n\n00:01:00.25-->00:01:01,1234\nB\n\n123:00:00,000 --> 123:00:01,000\nC\n',
      [cue(1500, 3_723_000, 'A'), cue(60_250, 61_123, 'B'), cue(442_800_000, 442_801_000, 'C')],
    ],
    ['may have times before the beginning', '-00:00:01,000 --> 00:00:01,000\nA\n', [cue(-1000, 1000, 'A')]],
    [
      'ends a cue that ends too early with the next, or after two seconds',
      '00:00:02,000 --> 00:00:01,000\nA\n\n00:00:03,000 --> 00:00:03,000\nB\n',
      [cue(2000, 3000, 'A'), cue(3000, 5000, 'B')],
    ],
    [
      'keeps emphasis, drops fonts, closes what is left open, and takes other signs as text',
      '00:00:01,000 --> 00:00:02,000\n<font color="#fff"><I>A & B</font> <3 C\n<b>D</i></b> <script>E</script> --> F\n',
      [cue(1000, 2000, '<i>A &amp; B &lt;3 C\n<b>D</b></i> E --&gt; F')],
    ],
    [
      'reads names of characters, and never makes markup of them',
      '00:00:01,000 --> 00:00:02,000\nA&nbsp;&amp;&lt;b&gt;&#233;&#0;&unknown;\n',
      [cue(1000, 2000, 'A\u00a0&amp;&lt;b&gt;é&amp;unknown;')],
    ],
    [
      'keeps the top of the picture, in the words of ASS',
      '00:00:01,000 --> 00:00:02,000\n{\\an8}{\\c&HFFFFFF&}A\n',
      [cue(1000, 2000, 'A', 'line:0')],
    ],
    ['says nothing where there is nothing to see', '00:00:01,000 --> 00:00:02,000\n<i> </i>\n&nbsp;\n', []],
  ];
  test.each(cases)('%s', (_rule, text, cues) => {
    expect(read(text)).toEqual(cues);
  });
});

describe('WebVTT', () => {
  const cases: ReadonlyArray<readonly [rule: string, text: string, cues: readonly Cue[]]> = [
    [
      'keeps places and speakers, and drops what it does not know',
      'WEBVTT - title\n\nname\n00:01.000 --> 00:02.000 line:0 align:start colour:red\n<v.loud Ann & Bo>Hi <c.red>you</c> <00:01.500>there\n',
      [cue(1000, 2000, '<v Ann &amp; Bo>Hi you there</v>', 'line:0 align:start')],
    ],
    [
      'has notes, styles and regions, which are not shown',
      'WEBVTT\n\nNOTE 00:00 is not\na time\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\n00:01.000 --> 00:02.000\nA\n\nNOTE end\n',
      [cue(1000, 2000, 'A')],
    ],
    ['ends a cue at a blank line', 'WEBVTT\n\n00:01.000 --> 00:02.000\nA\n\nB\n', [cue(1000, 2000, 'A')]],
  ];
  test.each(cases)('%s', (_rule, text, cues) => {
    expect(read(text)).toEqual(cues);
  });
});

describe('ASS', () => {
  const header =
    '[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Italic, Alignment\nStyle: Default,Arial,0,2\nStyle: Think,Arial,-1,2\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n';
  const dialogue = (text: string, style = 'Default') =>
    `${header}Dialogue: 0,0:00:01.50,0:00:02.75,${style},,0,0,0,,${text}\n`;
  const cases: ReadonlyArray<readonly [rule: string, text: string, cues: readonly Cue[]]> = [
    [
      'has commas in its text, and its own line ends',
      dialogue('A, b\\Nc\\hd'),
      [cue(1500, 2750, 'A, b\nc\u00a0d')],
    ],
    [
      'keeps emphasis and the top, drops the rest',
      dialogue('{\\an8\\fnArial\\i1}A{\\i0} {\\pos(10,20)\\b1}B{\\b700}'),
      [cue(1500, 2750, '<i>A</i> <b>B<b></b></b>', 'line:0')],
    ],
    [
      'keeps in which third of the picture a place is',
      `[Script Info]\nPlayResY: 100\n${dialogue('{\\an7\\pos(5,70)}A')}`,
      [cue(1500, 2750, 'A')],
    ],
    ['keeps the emphasis of a style', dialogue('A', 'Think'), [cue(1500, 2750, '<i>A</i>')]],
    ['drops drawings, which are no words', dialogue('{\\p1}m 0 0 l 100 0{\\p0}A'), [cue(1500, 2750, 'A')]],
    ['takes a brace that closes nothing as text', dialogue('{A'), [cue(1500, 2750, '{A')]],
    [
      'has its comments, which are not shown',
      `${header}Comment: 0,0:00:01.50,0:00:02.75,Default,,0,0,0,,A\n`,
      [],
    ],
  ];
  test.each(cases)('%s', (_rule, text, cues) => {
    expect(read(text)).toEqual(cues);
  });

  test('of ffmpeg has events that do not follow the header that it copies', () => {
    const text = `${header.replace(/Style, Name.*Text\n$/, 'Style, Name, Text\n')}Dialogue: 0,0:00:01.50,0:00:02.75,Default,,0,0,0,,A, b\n`;
    expect(parseCues(text, 'ass', { asWritten: false })).toEqual([cue(1500, 2750, 'A, b')]);
  });
});

test.each<[string, SubtitleFormat | undefined]>([
  ['WEBVTT\n', 'vtt'],
  ['[Script Info]\n', 'ass'],
  ['\n\n1\n0:0:1,0 --> 0:0:2,0\nA', 'srt'],
  ['This is not a subtitle file.\n', undefined],
  ['', undefined],
])('the format is told by the text, not by its name: %j is %s', (text, format) => {
  expect(formatOf(text)).toBe(format);
});

test('what a stranger sends takes no longer for being strange', () => {
  const long = 200_000;
  const timing = '00:00:01,000 --> 00:00:02,000\n';
  for (const text of [
    `${timing}<${'a'.repeat(long)}`,
    `${timing}${'<b>'.repeat(long)}${'</i>'.repeat(long)}`,
    `${timing}${'<'.repeat(long)}`,
    `${timing}${'&#'.repeat(long)}`,
    `${timing}${'{\\'.repeat(long)}`,
    `WEBVTT\n\n${timing}${'{\\'.repeat(long)}`,
    `[Events]\nDialogue: 0,0:00:01.50,0:00:02.75,,,,,,,${'{'.repeat(long)}`,
    `[Events]\nDialogue: 0,0:00:01.50,0:00:02.75,,,,,,,{${'\\p1'.repeat(long)}`,
    `[V4+ Styles]\nFormat: ${'a,'.repeat(long)}\n${'Style: a\n'.repeat(20_000)}[Events]\n`,
    '\n'.repeat(long),
    ' '.repeat(long),
    `${' '.repeat(long)}1`,
  ]) {
    read(text); // each is done in milliseconds, or the test never ends
  }
});

test('of a cue that nobody could read, the beginning is kept', () => {
  const [long] = read(`00:00:01,000 --> 00:00:02,000\n${'a'.repeat(20_000)}`) ?? [];
  expect(long?.text).toHaveLength(10_000);
});

test('cues are cut at both ends of the stream, and left out beyond', () => {
  const cues = [
    cue(-500, -100, 'before'),
    cue(-100, 200, 'a'),
    cue(900, 1100, 'z'),
    cue(1000, 1500, 'after'),
  ];
  expect(clipCues(cues, 0, 1000)).toEqual([cue(0, 200, 'a'), cue(900, 1000, 'z')]);
  expect(clipCues(cues, 600, 1000)).toEqual([cue(100, 500, 'before'), cue(500, 800, 'a')]);
});
