/**
 * The audio rendition groups of a multivariant playlist: `audio`, which is stereo, and `surround` where a track has 5.1. Every group
 * offers every track (RFC 8216, 4.3.4.2.1), so that one that has no 5.1 is in both in stereo.
 */
import type { Sound } from './sound.ts';
import type { Role } from './sound-names.ts';

export interface AudioGroup {
  readonly id: 'audio' | 'surround';
  /** Renditions by their index in the plan, the default one first. */
  readonly members: readonly number[];
}

/**
 * The groups of a plan's renditions.
 * @param made whether each rendition was made; a track that could not be decoded was not
 */
export function audioGroups(audio: readonly Sound[], made: readonly boolean[]): AudioGroup[] {
  const indexes = (channels: Sound['channels']) =>
    audio.flatMap((sound, index) => (made[index] && sound.channels === channels ? [index] : []));
  const stereo = indexes(2);
  const surround = indexes(6);
  if (stereo.length === 0) return [];
  const best = (index: number) =>
    surround.find((other) => audio[other]?.stream === audio[index]?.stream) ?? index;
  const groups: AudioGroup[] = [{ id: 'audio', members: stereo }];
  return surround.length === 0 ? groups : [...groups, { id: 'surround', members: stereo.map(best) }];
}

/** What a special rendition tells a player (rfc8216bis, 4.4.6.1; AVMediaCharacteristic). */
const CHARACTERISTICS: Partial<Readonly<Record<Role, string>>> = {
  description: 'public.accessibility.describes-video',
  'clear-speech': 'public.accessibility.enhances-speech-intelligibility',
};

/** The EXT-X-MEDIA tags of a group. @param uri of a rendition's playlist, by its index in the plan */
export function audioMedia(
  { id, members }: AudioGroup,
  audio: readonly Sound[],
  uri: (index: number) => string,
): string[] {
  return members.flatMap((index, position) => {
    const sound = audio[index];
    if (!sound) return [];
    const characteristics = CHARACTERISTICS[sound.role];
    const attributes = [
      `TYPE=AUDIO,GROUP-ID="${id}",NAME="${sound.name}",LANGUAGE="${sound.language}"`,
      // A default rendition may be chosen without being asked for (RFC 8216, 4.3.4.1).
      position === 0
        ? 'DEFAULT=YES,AUTOSELECT=YES'
        : `DEFAULT=NO,AUTOSELECT=${sound.autoselect ? 'YES' : 'NO'}`,
      ...(characteristics ? [`CHARACTERISTICS="${characteristics}"`] : []),
      `CHANNELS="${sound.channels}",URI="${uri(index)}"`,
    ];
    return [`#EXT-X-MEDIA:${attributes.join(',')}`];
  });
}
