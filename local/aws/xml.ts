/** XML as AWS's Query protocols answer it: elements and text, no attributes but the namespace. */

export type XmlContent =
  | string
  | number
  | boolean
  | undefined
  | XmlContent[]
  | { readonly [name: string]: XmlContent };

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  // A parser turns a bare carriage return into a line feed: https://www.w3.org/TR/xml/#sec-line-ends
  '\r': '&#13;',
};

const escapeText = (text: string) => text.replaceAll(/[&<>"\r]/g, (character) => ESCAPES[character] ?? '');

/** One element; one for each value of a list; none where there is no content. */
export function xml(name: string, content: XmlContent): string {
  if (content === undefined) return '';
  if (Array.isArray(content)) return content.map((one) => xml(name, one)).join('');
  return `<${name}>${inner(content)}</${name}>`;
}

/** What one element holds. */
export type XmlElementContent = Exclude<XmlContent, undefined | XmlContent[]>;

function inner(content: XmlElementContent): string {
  if (typeof content !== 'object') return escapeText(String(content));
  return Object.entries(content)
    .map(([child, value]) => xml(child, value))
    .join('');
}

/** A whole document whose root has a default namespace. */
export function xmlDocument(root: string, namespace: string, content: XmlElementContent): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${inner(content)}</${root}>`;
}
