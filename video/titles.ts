/** What strangers' files and requests call tracks and chapters, made fit for playlists, lists and menus. */

/** Characters that are looked at: some of the expressions that read titles take the square of their length. */
const READ = 1000;
/** Characters of a track's title that are kept: menus have no room for more. */
const LONGEST_TITLE = 100;

/** A title on one line: no control characters, no spaces at its ends, cut to so many characters. */
export function plainTitle(title = '', longest = LONGEST_TITLE): string {
  const plain = title
    .slice(0, READ)
    .toWellFormed()
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return [...plain].slice(0, longest).join('').trim();
}

/** The same for NAME, a quoted string, which holds no quotes (RFC 8216, 4.2). */
export const quotableTitle = (title?: string): string => plainTitle(title).replaceAll('"', "'");

/** Names of which none comes twice (RFC 8216, 4.3.4.1.1): where one did, the later ones have numbers. */
export function distinctNames(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name) => {
    let distinct = name;
    for (let number = 2; taken.has(distinct); number++) distinct = `${name} ${number}`;
    taken.add(distinct);
    return distinct;
  });
}
