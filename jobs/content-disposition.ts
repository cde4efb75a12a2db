/** How a file that is downloaded is called: the header `Content-Disposition` (RFC 6266). */

/** Characters that no file system should see in a name: separators, and what is not printed. */
const UNFIT = /[/\\\p{Cc}\p{Cf}]/gu;

/** Characters of a name that are kept: escaped, each may take twelve bytes, and S3 has room for 8 kB of all headers. */
const LONGEST_NAME = 200;

/** What RFC 8187's `value-chars` do not have, though `encodeURIComponent` leaves it. */
const MORE_ESCAPES = /['()*]/g;

const escaped = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;

/** A name cut in its middle, so that it keeps its ending. */
function shortened(name: string): string {
  const characters = [...name];
  if (characters.length <= LONGEST_NAME) return name;
  return [...characters.slice(0, LONGEST_NAME - 20), '…', ...characters.slice(-19)].join('');
}

/**
 * The header that has a browser keep a file under this name.
 * @returns ASCII; a name that has more is there as UTF-8 besides (RFC 8187), which every browser prefers
 */
export function attachment(name: string): string {
  const fit = shortened(name.toWellFormed().replaceAll(UNFIT, '_'));
  // Percent signs, too: some take them for escapes (RFC 6266, Appendix D).
  const ascii = fit.replaceAll(/[^ -~]|["%]/gu, '_');
  const plain = `attachment; filename="${ascii}"`;
  if (ascii === fit) return plain;
  const encoded = encodeURIComponent(fit).replaceAll(MORE_ESCAPES, escaped);
  return `${plain}; filename*=UTF-8''${encoded}`;
}
