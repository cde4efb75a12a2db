/** From the markup of other formats to that of WebVTT cue text (https://www.w3.org/TR/webvtt1/#cue-text). */

/** Tags that are kept, whatever their attributes: emphasis, and ruby for East Asian text. */
const KEPT_TAGS = /^(b|i|u|ruby|rt)$/;

/** HTML's names of characters, as far as subtitles use them. */
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  lrm: '\u200e',
  rlm: '\u200f',
};

function unescapeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]+));/gi, (whole, decimal, hex, name) => {
    if (name) return ENTITIES[String(name).toLowerCase()] ?? whole;
    const code = decimal ? Number(decimal) : Number.parseInt(String(hex), 16);
    // Null, surrogates and what lies beyond Unicode name no character.
    return code === 0 || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff
      ? ''
      : String.fromCodePoint(code);
  });
}

/** WebVTT 3.5: `&` and `<` begin something else; `>` too, so that no text ever holds the arrow of a timing line. */
export const escapeText = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Tags open at once; more of them mean nothing to anybody. */
const MAX_DEPTH = 16;

/** Every open tag is closed, in the right order, and nothing else is. */
class Tags {
  readonly #open: string[] = [];

  /** @param voice who speaks, for `<v>` */
  open(name: string, voice = ''): string {
    if (this.#open.length === MAX_DEPTH) return '';
    this.#open.push(name);
    return `<${name}${voice && ` ${voice}`}>`;
  }

  close(name: string): string {
    const at = this.#open.lastIndexOf(name);
    return at < 0 ? '' : this.#closeFrom(at);
  }

  end(): string {
    return this.#closeFrom(0);
  }

  #closeFrom(at: number): string {
    return this.#open
      .splice(at)
      .toReversed()
      .map((name) => `</${name}>`)
      .join('');
  }
}

/** Characters that no text file should have, but some do; line ends and tabs are fine. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it is for
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;

/** Whether a person would see nothing. */
const isBlank = (text: string): boolean =>
  text.replace(/<[^>]*>/g, '').replace(/[\s\u200b-\u200f\ufeff]/g, '') === '';

/** The text without controls and blank lines, for a blank line would end the cue; nothing where nothing is seen. */
function tidy(text: string): string {
  let tidied = '';
  let seen = false;
  for (const line of text.replace(CONTROLS, '').split(/\r\n|\r|\n/)) {
    const blank = isBlank(line);
    tidied += seen && !blank ? `\n${line.trim()}` : line.trim(); // of a blank line, its tags remain
    seen ||= !blank;
  }
  return seen ? tidied : '';
}

/**
 * Cue text of SubRip or WebVTT, whose tags are HTML's: emphasis is kept, colours, fonts and classes are dropped, and
 * a `<` that begins no tag is a sign like any other.
 */
export function htmlToCueText(html: string): string {
  const tags = new Tags();
  let text = '';
  let from = 0;
  // A tag, or a time of karaoke: `<00:01.500>`.
  for (const match of html.matchAll(/<(\/?)(?:([a-z]+)(?![a-z])([^<>]*)|[\d:.]+)>/gi)) {
    text += escapeText(unescapeHtml(html.slice(from, match.index)));
    from = match.index + match[0].length;
    const [, slash, name = '', rest = ''] = match;
    const tag = name.toLowerCase();
    // `v` is WebVTT's way of naming who speaks; it is not shown.
    const known = KEPT_TAGS.test(tag) || tag === 'v';
    if (known && slash) text += tags.close(tag);
    else if (known)
      text += tags.open(tag, tag === 'v' ? escapeText(unescapeHtml(rest.replace(/^\.\S*/, '').trim())) : '');
    else if (tag === 'br') text += '\n';
  }
  text += escapeText(unescapeHtml(html.slice(from))) + tags.end();
  return tidy(text);
}

/** The line that a cue of ASS's alignment (as on a keypad, `\an8` is the top's middle) has in WebVTT, where it is not the bottom. */
export const settingsOfAlignment = (keypad: number): string | undefined => {
  if (keypad >= 7) return 'line:0';
  return keypad >= 4 ? 'line:50%' : undefined;
};

/** The same of a place on the canvas, `(x,y`: only in which third of the height it is. */
function settingsOfPlace(place: string, height: number): string | undefined {
  const third = Math.floor((3 * Number.parseFloat(place.split(',')[1] ?? '')) / height);
  return settingsOfAlignment([8, 5][Math.max(0, third)] ?? 2);
}

/** What a stretch of ASS text is drawn with. */
interface AssState {
  drawing: boolean;
  /** The height of the canvas on which `\\pos` counts. */
  readonly height: number;
  settings: string | undefined;
}

/** Reads one `{...}` of ASS. @returns the tags that it means */
function readOverrides(block: string, state: AssState, tags: Tags): string {
  let text = '';
  for (const [, name = '', value = ''] of block.matchAll(/\\(an|pos|[biu]|p|r)(\(?[^\\}]*)/g)) {
    if (/^[biu]$/.test(name) && /^\d+$/.test(value)) {
      text += Number(value) === 0 ? tags.close(name) : tags.open(name);
    } else if (name === 'an' && /^[1-9]$/.test(value)) state.settings = settingsOfAlignment(Number(value));
    else if (name === 'pos') state.settings = settingsOfPlace(value, state.height);
    else if (name === 'p' && /^\d+$/.test(value)) state.drawing = Number(value) > 0;
    else if (name === 'r') text += tags.end();
  }
  return text;
}

/**
 * The text of an ASS event (http://www.tcax.org/docs/ass-specs.htm): emphasis and the alignment are kept; fonts,
 * colours, places to the pixel and movements are dropped, and so are drawings.
 * @param italic whether its style is
 * @param height of the canvas on which places count
 */
export function assToCueText(ass: string, italic = false, height = 288): { text: string; settings?: string } {
  const tags = new Tags();
  const state: AssState = { drawing: false, settings: undefined, height };
  let text = italic ? tags.open('i') : '';
  for (const [, block, plain = ''] of ass.matchAll(/\{([^{}]*)\}|([^{]+|\{)/g)) {
    if (block !== undefined) text += readOverrides(block, state, tags);
    else if (!state.drawing) text += escapeText(plain.replace(/\\[Nn]/g, '\n').replaceAll('\\h', '\u00a0'));
  }
  const { settings } = state;
  return {
    text: tidy(text + tags.end()),
    ...(settings !== undefined && { settings }),
  };
}
