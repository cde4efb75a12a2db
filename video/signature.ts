/** Names what a file is that is no video, by its first bytes, so that its owner learns what was uploaded. */

/** Bytes of a file that `recognise` looks at. */
export const HEAD_BYTES = 4096;

/** Brands of the pictures that are packed like MP4 files (ISO/IEC 23008-12, 10.2). */
const PICTURE_BRANDS = /^(heic|heix|heim|heis|mif1|msf1|avif)$/;

const latin1 = (from: number, to?: number) => (head: Uint8Array) =>
  Buffer.from(head.subarray(from, to)).toString('latin1');
const begins =
  (...starts: readonly string[]) =>
  (head: Uint8Array) =>
    starts.some((start) => latin1(0, start.length)(head) === start);
/** Text may begin with a byte order mark and blanks. */
const textBegins = (pattern: RegExp) => (head: Uint8Array) =>
  pattern.test(
    latin1(0)(head)
      .replace(/^\u00ef\u00bb\u00bf/, '')
      .trimStart(),
  );
const isText = (head: Uint8Array) =>
  head.length > 0 && head.every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);

/** The first that fits names the file. Sources: the formats' own specifications, and https://en.wikipedia.org/wiki/List_of_file_signatures. */
const SIGNATURES: readonly { readonly name: string; readonly fits: (head: Uint8Array) => boolean }[] = [
  { name: 'a JPEG picture', fits: begins('\xff\xd8\xff') },
  { name: 'a PNG picture', fits: begins('\x89PNG') },
  {
    name: 'a WebP picture',
    fits: (head) => begins('RIFF')(head) && latin1(8, 12)(head) === 'WEBP',
  },
  {
    name: 'a HEIF or AVIF picture',
    fits: (head) => latin1(4, 8)(head) === 'ftyp' && PICTURE_BRANDS.test(latin1(8, 12)(head)),
  },
  { name: 'a TIFF or camera raw picture', fits: begins('II*\0', 'MM\0*') },
  { name: 'a BMP picture', fits: (head) => begins('BM')(head) && latin1(6, 10)(head) === '\0\0\0\0' },
  { name: 'a Photoshop picture', fits: begins('8BPS') },
  { name: 'a PDF document', fits: begins('%PDF') },
  { name: 'a ZIP archive', fits: begins('PK\x03\x04', 'PK\x05\x06') },
  { name: 'a gzip archive', fits: begins('\x1f\x8b') },
  { name: 'a 7z archive', fits: begins('7z\xbc\xaf') },
  { name: 'a RAR archive', fits: begins('Rar!') },
  { name: 'a TAR archive', fits: (head) => latin1(257, 262)(head) === 'ustar' },
  { name: 'a Flash program', fits: begins('FWS', 'CWS', 'ZWS') },
  { name: 'a Windows program', fits: begins('MZ') },
  { name: 'a Linux program', fits: begins('\x7fELF') },
  { name: 'an old Office document', fits: begins('\xd0\xcf\x11\xe0') },
  { name: 'an HLS playlist', fits: textBegins(/^#EXTM3U/) },
  { name: 'a list of other files', fits: textBegins(/^(ffconcat|file\s|\[playlist\]|\[Reference\])/i) },
  { name: 'a session description', fits: textBegins(/^v=0\r?\n/) },
  { name: 'a DASH manifest', fits: textBegins(/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?<MPD[\s>]/s) },
  { name: 'an SVG drawing', fits: textBegins(/^(<\?xml[^>]*>\s*)?(<![^>]*>\s*)*<svg[\s>]/s) },
  { name: 'a web page', fits: textBegins(/^(<!doctype html|<html)/i) },
  { name: 'an XML document', fits: textBegins(/^<\?xml/) },
  {
    name: 'subtitles',
    fits: textBegins(/^(WEBVTT|\[Script Info\]|\{\d+\}\{\d*\}|\d+\r?\n\d\d:\d\d:\d\d,)/i),
  },
  { name: 'plain text', fits: isText },
  {
    name: 'nothing but zeros',
    fits: (head) => head.length > 0 && head.every((byte) => byte === 0),
  },
];

/** What a file is that is no video, as words that follow "it is"; undefined where nothing fits. */
export function recognise(head: Uint8Array): string | undefined {
  return SIGNATURES.find(({ fits }) => fits(head))?.name;
}
