/** What audio tracks are for, and what people call them. */
import { languageOf } from './languages.ts';
import { distinctNames, quotableTitle } from './titles.ts';

/** What a track is for, the general before the special (Apple's rule 9.17). */
export const ROLES = ['main', 'clear-speech', 'description', 'commentary'] as const;
export type Role = (typeof ROLES)[number];

/** What a track's file says of it. */
export interface TrackWords {
  /** BCP 47 or ISO 639, as the file has it. */
  readonly language: string;
  readonly title?: string | undefined;
  /** ffmpeg's dispositions that are set. */
  readonly dispositions: readonly string[];
}

/** Dispositions and words of titles that tell a role; the first that fits counts. */
const SIGNS: readonly {
  readonly role: Role;
  readonly dispositions: readonly string[];
  readonly title: RegExp;
}[] = [
  {
    role: 'description',
    dispositions: ['visual_impaired', 'descriptions'],
    title: /audio.?desc|descriptive|\bDVS\b/i,
  },
  { role: 'commentary', dispositions: ['comment'], title: /comment|kommentar/i },
  {
    role: 'clear-speech',
    dispositions: ['hearing_impaired'],
    title: /hearing.impaired|clear (speech|dialog)/i,
  },
];

/** What a track is for. */
export function roleOf({ dispositions, title = '' }: TrackWords): Role {
  const by = (fits: (sign: (typeof SIGNS)[number]) => boolean) => SIGNS.find(fits)?.role;
  return (
    by((sign) => sign.dispositions.some((name) => dispositions.includes(name))) ??
    by((sign) => sign.title.test(title)) ??
    'main'
  );
}

/** How a role is said where no title says it. */
const ROLE_NAMES: Readonly<Record<Role, string>> = {
  main: '',
  'clear-speech': 'clear speech',
  description: 'audio description',
  commentary: 'commentary',
};

/** Words of titles that tell how the source was coded, which is not how the stream is. */
const TECHNICAL =
  /\b(stereo|mono|surround|[1-7]\.[0-4](\.[24])?|\d ?ch(annels)?|dolby|digital|plus|atmos|dts(-?(hd|x|es))?|ma|true-?hd|e-?ac-?3|ac-?3|(he-?)?aac(-?lc)?|flac|mp[23]|opus|vorbis|l?pcm|\d+ ?k(bps|bit\/s|b\/s|hz))\b/gi;
/** What programs write where nobody gave a title. */
const NO_TITLE = /handler|^(audio|sound|track|default)? ?\d*$/i;

/** The words of a title that tell people something; '' where none does. */
function wordsOf(title?: string): string {
  const words = quotableTitle(title)
    .replace(TECHNICAL, ' ')
    .replace(/[([]\s*[)\]]/g, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^[\s\-–—,:;|/@.]+|[\s\-–—,:;|/@]+$/g, '');
  return NO_TITLE.test(words) ? '' : words;
}

function nameOf(track: TrackWords): string {
  const language = languageOf(track.language).name;
  const words = wordsOf(track.title);
  if (words && (!language || words.toLowerCase().includes(language.toLowerCase()))) return words;
  const detail = words || ROLE_NAMES[roleOf(track)];
  const name = language ?? 'Audio';
  return detail ? `${name} (${detail})` : name;
}

/** A name for each track, none twice. */
export const namesOf = (tracks: readonly TrackWords[]): string[] => distinctNames(tracks.map(nameOf));
