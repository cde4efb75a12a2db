/** Text tracks: what a source has, what becomes of each, and how the multivariant playlist offers them. */
import { z } from 'zod';
import type { BitRate } from '../bit-rate.ts';
import type { Finding } from '../findings.ts';
import { languageOf } from '../languages.ts';
import { distinctNames, quotableTitle } from '../titles.ts';
import type { SubtitleFormat } from './parse.ts';

/** How a track is offered, wherever it comes from. */
export const offerSchema = z.object({
  /** As the file or its owner says it; `und` where nothing is said. */
  language: z.string(),
  title: z.string().exactOptional(),
  default: z.boolean(),
  /** Only what the picture's own language leaves out: signs, and lines in other languages. */
  forced: z.boolean(),
  /** For the deaf and hard of hearing: sounds are written, too. */
  sdh: z.boolean(),
});
export type Offer = z.infer<typeof offerSchema>;

/** How speech becomes subtitles: which program recognises it, in which language. */
export const transcribeSchema = z.discriminatedUnion('engine', [
  z.strictObject({
    engine: z.literal('pocketsphinx'),
    /** Its model is English. */
    language: z.string().regex(/^en(-|$)/, 'pocketsphinx knows English alone; give en, or engine whisper'),
  }),
  z.strictObject({
    engine: z.literal('whisper'),
    /** As whisper.cpp names it: `en`, `de`, `yue`. */
    language: z
      .string()
      .regex(/^[a-z]{2,3}$/, 'is not a language of Whisper; give its code such as en or de'),
    /** The object of the upload bucket that holds the model, in whisper.cpp's ggml format. */
    model: z.string().regex(/^models\/.+/, 'must be an object below models/, such as models/ggml-base.bin'),
  }),
]);
export type Transcribe = z.infer<typeof transcribeSchema>;

/** The codec by which plans name captions inside the picture; ffmpeg has no stream of them, and so no name. */
export const PICTURE_CAPTIONS = 'a53';

/** The codec by which plans name speech that is to be recognised. */
export const SPEECH = 'speech';

/** A text track inside a source. */
export const textTrackSchema = offerSchema.extend({
  stream: z.int(),
  /** ffmpeg's name. */
  codec: z.string(),
  /** Where the codec is speech, in which case the stream is one of sound. */
  transcribe: transcribeSchema.exactOptional(),
});
export type TextTrack = z.infer<typeof textTrackSchema>;

/** How ffmpeg is asked to write a codec, so that nothing is lost that we keep. */
const FORMATS: ReadonlyMap<string, SubtitleFormat> = new Map([
  // ASS as it is, for its drawings can only be told from text by their tags.
  ['ass', 'ass'],
  ['ssa', 'ass'],
  // Place and speaker are not in what ffmpeg makes of WebVTT, only in a copy.
  ['webvtt', 'vtt'],
  // Captions have a place on the picture, which only ASS can say.
  ['eia_608', 'ass'],
  [PICTURE_CAPTIONS, 'ass'],
  // ffmpeg decodes these itself; SubRip keeps their milliseconds, their emphasis and their alignment.
  ...[
    'subrip',
    'srt',
    'text',
    'mov_text',
    'dvb_teletext',
    'microdvd',
    'mpl2',
    'jacosub',
    'sami',
    'realtext',
    'stl',
    'subviewer',
    'subviewer1',
    'vplayer',
    'pjs',
  ].map((codec): [string, SubtitleFormat] => [codec, 'srt']),
]);

const BITMAP_CODECS: ReadonlyMap<string, string> = new Map([
  ['hdmv_pgs_subtitle', 'Blu-ray (PGS)'],
  ['dvd_subtitle', 'DVD (VobSub)'],
  ['dvb_subtitle', 'DVB'],
  ['xsub', 'DivX (XSUB)'],
]);

/** The format in which a codec's cues are read; undefined where they can not be. */
export const textFormatOf = (codec: string): SubtitleFormat | undefined => FORMATS.get(codec);

/** A track's name for people, in English: `Subs Label`, `English`, `German (SDH)`. */
export function trackName({ title, language, forced, sdh }: Offer): string {
  const given = quotableTitle(title);
  if (given) return given;
  const marks = [...(forced ? ['forced'] : []), ...(sdh ? ['SDH'] : [])];
  return [
    languageOf(language).name ?? 'Subtitles',
    ...(marks.length > 0 ? [`(${marks.join(', ')})`] : []),
  ].join(' ');
}

/** Those of a source's text tracks that can be read as text, and what is to be said of the others. */
export function chooseText(tracks: readonly TextTrack[]): { text: TextTrack[]; findings: Finding[] } {
  const text = tracks.filter(({ codec }) => FORMATS.has(codec));
  const findings = tracks.flatMap((track): Finding[] => {
    if (FORMATS.has(track.codec)) return [];
    const bitmap = BITMAP_CODECS.get(track.codec);
    const what = `The subtitle track "${trackName(track)}" (stream ${track.stream})`;
    const why = bitmap
      ? `is made of ${bitmap} pictures, not of text`
      : `is of the kind ${track.codec}, which can not be read`;
    const code = bitmap ? 'bitmap-subtitles' : 'unknown-subtitles';
    return [{ code, text: `${what} ${why}, so it was left out. Add the subtitles as a .srt or .vtt file.` }];
  });
  return { text, findings };
}

/** The folder of a source's text track. */
export const textRendition = (index: number): string => `text-${index}`;

/** A text rendition as the multivariant playlist names it. */
export interface TextRendition extends Offer {
  /** Path of its playlist, from the multivariant one. */
  readonly uri: string;
  readonly rate: BitRate;
}

/** The group of all text renditions. */
export const TEXT_GROUP = 'text';

/** Subtitles for the deaf say so in these words (Apple's rule 4.5). */
const SDH = 'public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound';

/**
 * Whether players may choose each rendition by themselves: those for the deaf always (Apple's rule 4.5), the default,
 * and of the others the first of a language, so that no two are alike to a player (RFC 8216, 4.3.4.1.1).
 */
function autoselected(renditions: readonly TextRendition[], first: TextRendition | undefined): boolean[] {
  const kindOf = ({ language, forced, sdh }: TextRendition) => [languageOf(language).tag, forced, sdh].join();
  const taken = new Set(first ? [kindOf(first)] : []);
  return renditions.map((rendition) => {
    const kind = kindOf(rendition);
    const distinct = rendition === first || !taken.has(kind);
    taken.add(kind);
    return distinct || rendition.sdh;
  });
}

/**
 * An EXT-X-MEDIA a rendition (RFC 8216, 4.3.4.1): the general ones before those for the deaf (rule 9.17), each with
 * a name of its own, at most one the default.
 */
export function textMedia(renditions: readonly TextRendition[]): string[] {
  const ordered = [...renditions.filter(({ sdh }) => !sdh), ...renditions.filter(({ sdh }) => sdh)];
  const first = ordered.find((rendition) => rendition.default);
  const names = distinctNames(ordered.map(trackName));
  const autoselect = autoselected(ordered, first);
  return ordered.map((rendition, index) => {
    const { tag } = languageOf(rendition.language);
    const flags = `DEFAULT=${rendition === first ? 'YES' : 'NO'},AUTOSELECT=${autoselect[index] ? 'YES' : 'NO'},FORCED=${rendition.forced ? 'YES' : 'NO'}`;
    const characteristics = rendition.sdh ? `,CHARACTERISTICS="${SDH}"` : '';
    return `#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="${TEXT_GROUP}",NAME="${names[index] ?? ''}",LANGUAGE="${tag}",${flags}${characteristics},URI="${rendition.uri}"`;
  });
}
