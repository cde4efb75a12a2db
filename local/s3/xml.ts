/** The XML that S3 reads and answers. */
import { XMLParser } from 'fast-xml-parser';
import { S3Error } from './errors.ts';

/** Elements that may come once or more often: always lists. */
const LISTS = new Set(['Part', 'Object']);
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  trimValues: false,
  isArray: (name) => LISTS.has(name),
});

export type XmlNode = { readonly [name: string]: XmlNode | XmlNode[] | string | undefined };

/** The content of a document's root, which must have this name. Throws `MalformedXML`. */
export function parseXml(text: string, root: string): XmlNode {
  let document: XmlNode;
  try {
    document = parser.parse(text, true) as XmlNode; // elements and text, by the parser's options
  } catch (cause) {
    throw new S3Error('MalformedXML', String(cause));
  }
  const node = document[root];
  if (typeof node !== 'object' || Array.isArray(node))
    throw new S3Error('MalformedXML', `there is no <${root}>`);
  return node;
}

/** The text of a child element; undefined where there is none. */
export function childText(node: XmlNode, name: string): string | undefined {
  const child = node[name];
  return typeof child === 'string' ? child : undefined;
}

/** The child elements of a name. */
export function children(node: XmlNode, name: string): XmlNode[] {
  return [node[name] ?? []].flat().filter((child) => typeof child === 'object');
}
