/** Languages as files, playlists and people name them. */

/** What files say where they mean that there is no language to name (ISO 639-2, "special"). */
const NO_LANGUAGE = /^(und|mis|mul|zxx|qaa)$/;

/** Characters of a tag: what RFC 5646 (4.4.1) asks every program to have room for. */
const LONGEST_TAG = 35;

/**
 * A language as BCP 47 and as people call it in English; ISO 639-2 codes such as `eng` or `ger` come out as `en` and
 * `de`. `und`, and no name, where it is not a language.
 */
export function languageOf(code: string): { tag: string; name: string | undefined } {
  if (code.length > LONGEST_TAG) return { tag: 'und', name: undefined };
  try {
    const [tag = 'und'] = Intl.getCanonicalLocales(code.replaceAll('_', '-'));
    const name = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' }).of(tag);
    if (NO_LANGUAGE.test(tag) || name === undefined) return { tag: 'und', name: undefined };
    return { tag, name };
  } catch {
    return { tag: 'und', name: undefined }; // the file's tag is not a language tag at all
  }
}
