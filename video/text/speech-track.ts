/** The text track that a plan has where subtitles are to be generated. */
import { languageOf } from '../languages.ts';
import type { Sound } from '../sound.ts';
import { SPEECH, type TextTrack, type Transcribe } from './tracks.ts';

/** The track that generated subtitles make: of the track in their language, otherwise of what plays. */
export function speechTrack(audio: readonly Sound[], transcribe: Transcribe | undefined): TextTrack[] {
  if (!transcribe) return [];
  const { name, tag } = languageOf(transcribe.language);
  const track = audio.find(({ language }) => languageOf(language).tag === tag) ?? audio[0];
  if (!track) return [];
  return [
    {
      ...{ stream: track.stream, codec: SPEECH, language: transcribe.language, transcribe },
      ...{ title: `${name ?? 'Subtitles'} (auto-generated)`, default: false, forced: false, sdh: false },
    },
  ];
}
