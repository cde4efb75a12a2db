/** Chooses the audio renditions that a source deserves, and says how each is mixed. */
import { z } from 'zod';
import type { Finding } from './findings.ts';
import { languageOf } from './languages.ts';
import type { AudioTrack } from './probe.ts';
import { AAC_FRAME, AUDIO_RATE, type EncodeSettings } from './settings.ts';
import { namesOf, ROLES, roleOf } from './sound-names.ts';

/** Channels of a rendition: stereo for every device, and 5.1 beside it where the source has as much. */
const STEREO = 2;
const SURROUND = 6;

/**
 * How channels become those of a rendition. `matrix`: ffmpeg's matrix for the source's layout (ITU-R BS.775: centre and
 * surrounds at -3 dB, no LFE), scaled so that nothing can clip. `mono`: the one channel, as it is, on both sides;
 * the matrix would take 3 dB off it. `first-two`: where nobody says what the channels are.
 */
export const mixSchema = z.enum(['matrix', 'mono', 'first-two']);

/** One audio rendition of the stream: one track of the source in one number of channels. */
export const soundSchema = z.object({
  /** The stream's index in the file. */
  stream: z.int(),
  /** BCP 47; `und` where the file says nothing. */
  language: z.string(),
  /** For people; unique among renditions of as many channels, the same in all renditions of a track. */
  name: z.string(),
  role: z.enum(ROLES),
  /** Whether players may choose it by themselves, by the user's language and needs. */
  autoselect: z.boolean(),
  mix: mixSchema,
  /** Of the rendition. */
  channels: z.union([z.literal(STEREO), z.literal(SURROUND)]),
  kbps: z.int(),
  /** AAC frames of 1024 samples at 48 kHz that cover the stream. */
  frames: z.int().positive(),
});
export type Sound = z.infer<typeof soundSchema>;

/** Layouts that have no matrix: spheres, and channels by number alone. */
const NO_MATRIX = /ambisonic|channels/;
/** Channels for which ffmpeg takes the usual layout where the file names none. */
const GUESSABLE_CHANNELS = 8;

function mixOf({ channels, layout = '' }: AudioTrack): Sound['mix'] {
  if (channels === 1) return 'mono';
  if (NO_MATRIX.test(layout)) return 'first-two';
  return layout !== '' || channels <= GUESSABLE_CHANNELS ? 'matrix' : 'first-two';
}

/** General before special, what the file marks as default before the rest: the first is the one that plays. */
function inOrder(tracks: readonly AudioTrack[]): AudioTrack[] {
  const rank = (track: AudioTrack) => ROLES.indexOf(roleOf(track));
  const later = ({ dispositions }: AudioTrack) => (dispositions.includes('default') ? 0 : 1);
  return tracks.toSorted((a, b) => rank(a) - rank(b) || later(a) - later(b) || a.stream - b.stream);
}

/**
 * Which tracks players may choose by themselves: descriptions and clear speech (Apple's rules 2.12, 4.5), and of the
 * others the first of each language, so that languages are distinct (RFC 8216, 4.3.4.1.1). Never a commentary, unless
 * there is nothing else.
 */
function autoselected(tracks: readonly AudioTrack[]): boolean[] {
  const seen = new Set<string>();
  return tracks.map((track, index) => {
    const role = roleOf(track);
    const { tag } = languageOf(track.language);
    if (role === 'description' || role === 'clear-speech') return true;
    const first = !seen.has(tag);
    seen.add(tag);
    return index === 0 || (role === 'main' && first);
  });
}

function findingsOf(tracks: readonly AudioTrack[], chosen: readonly AudioTrack[]): Finding[] {
  const findings: Finding[] = [];
  if (tracks.length === 0)
    findings.push({ code: 'no-audio', text: 'The file has no sound; the stream has none either.' });
  if (chosen.length < tracks.length) {
    const text = `The file has ${tracks.length} audio tracks; the stream has the first ${chosen.length}, which is the platform's limit.`;
    findings.push({ code: 'audio-tracks', text });
  }
  for (const { stream, channels } of chosen.filter((track) => mixOf(track) === 'first-two')) {
    const text = `Audio track ${stream} has ${channels} channels, and the file does not say which is which; the first two were taken as left and right.`;
    findings.push({ code: 'audio-channels', text });
  }
  return findings;
}

/**
 * The renditions of a source's tracks: first every track in stereo, the one that plays by default first, then those
 * that have enough channels in 5.1, in the same order.
 * @param seconds of the stream, which every rendition covers
 */
export function chooseSound(
  tracks: readonly AudioTrack[],
  seconds: number,
  settings: Pick<EncodeSettings, 'audioKbps' | 'surroundKbps' | 'maxAudioTracks'>,
): { audio: Sound[]; findings: Finding[] } {
  const chosen = inOrder(tracks).slice(0, settings.maxAudioTracks);
  const names = namesOf(chosen);
  const autoselect = autoselected(chosen);
  const frames = Math.max(1, Math.ceil((seconds * AUDIO_RATE) / AAC_FRAME));
  const stereo = chosen.map((track, index): Sound => {
    return {
      stream: track.stream,
      language: languageOf(track.language).tag,
      name: names[index] ?? '',
      role: roleOf(track),
      autoselect: autoselect[index] ?? false,
      mix: mixOf(track),
      channels: STEREO,
      kbps: settings.audioKbps,
      frames,
    };
  });
  const surround = stereo.filter(({ mix }, index) => {
    return mix === 'matrix' && (chosen[index]?.channels ?? 0) >= SURROUND;
  });
  return {
    audio: [
      ...stereo,
      ...surround.map((sound): Sound => ({ ...sound, channels: SURROUND, kbps: settings.surroundKbps })),
    ],
    findings: findingsOf(tracks, chosen),
  };
}
