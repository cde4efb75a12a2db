/** The lines of a playlist (RFC 8216, 4.1): tags, URIs, and nothing else. */
import { type Finding, finding } from './finding.ts';

export interface Tag {
  readonly name: string;
  /** Whatever follows the colon. */
  readonly value: string;
  /** Of an attribute list (4.2): values as written, quotes included. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly line: number;
}

export interface UriLine {
  readonly uri: string;
  readonly line: number;
}

export type Token = Tag | UriLine;

export const isTag = (token: Token): token is Tag => 'name' in token;

/** Tags whose value is an attribute list. */
const WITH_ATTRIBUTES = new Set([
  ...['EXT-X-KEY', 'EXT-X-MAP', 'EXT-X-MEDIA', 'EXT-X-STREAM-INF', 'EXT-X-I-FRAME-STREAM-INF', 'EXT-X-START'],
  ...['EXT-X-SESSION-DATA', 'EXT-X-SESSION-KEY', 'EXT-X-DATERANGE'],
]);

/** One attribute and the comma behind it: a name, then a quoted string or anything without comma and quote. */
const ATTRIBUTE = /([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(,\s*|$)/y;

/** An attribute list; `undefined` for what is none, the attributes before it and their doubles nevertheless. */
function readAttributes(value: string): { attributes: Map<string, string>; problem?: string } {
  const attributes = new Map<string, string>();
  ATTRIBUTE.lastIndex = 0;
  for (let at = 0; at < value.length; at = ATTRIBUTE.lastIndex) {
    const [, name = '', text = '', comma] = ATTRIBUTE.exec(value) ?? [];
    if (comma === undefined) return { attributes, problem: `'${value.slice(at)}' is no attribute` };
    if (attributes.has(name)) return { attributes, problem: `${name} comes twice` };
    attributes.set(name, text);
  }
  return { attributes };
}

/** The attribute's text without its quotes. */
export const attribute = (tag: Tag, name: string): string | undefined =>
  tag.attributes.get(name)?.replace(/^"(.*)"$/, '$1');

/** Reads a playlist's lines; comments and empty lines are left out. */
export function tokenize(playlist: string, text: string): { tokens: Token[]; findings: Finding[] } {
  const tokens: Token[] = [];
  const findings: Finding[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.replace(/\r$/, '');
    const line = index + 1;
    if (content === '' || (content.startsWith('#') && !content.startsWith('#EXT'))) continue;
    if (!content.startsWith('#')) {
      tokens.push({ uri: content, line });
      continue;
    }
    const [, name = '', value = ''] = /^#([^:]*):?(.*)$/.exec(content) ?? [];
    const { attributes, problem } = WITH_ATTRIBUTES.has(name)
      ? readAttributes(value)
      : { attributes: new Map<string, string>() };
    if (problem) findings.push(finding('attribute-list', { playlist, line }, `#${name}: ${problem}`));
    tokens.push({ name, value, attributes, line });
  }
  return { tokens, findings };
}
