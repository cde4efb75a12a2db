/** Plans a file that has sound and no picture: an audio-only stream, with its cover as the poster. */
import { clipChapters } from './chapters.ts';
import type { Finding } from './findings.ts';
import { checkDuration } from './limits.ts';
import type { Source } from './probe.ts';
import { type Rational, rational, toNumber } from './rational.ts';
import { AAC_FRAME, AUDIO_RATE, type EncodeSettings } from './settings.ts';
import { chooseSound } from './sound.ts';
import type { Span } from './sound-span.ts';
import { speechTrack } from './text/speech-track.ts';
import { chooseText } from './text/tracks.ts';
import { audioWork } from './work.ts';

/** The grid of sound alone: a slot is an AAC frame. */
const RATE: Rational = rational(AUDIO_RATE, AAC_FRAME);

function pictureFinding({ cover }: Source): Finding {
  const poster = cover ? '; its cover is shown while it plays' : '';
  return { code: 'no-picture', text: `The file has no picture, so the stream is sound alone${poster}.` };
}

/**
 * Plans sound alone.
 * @param span of its packets; what decoders leave out at the beginning (priming) does not count
 */
export function planSound(source: Source, span: Span, settings: EncodeSettings, revision: string) {
  const starts = source.audio.map(({ startSeconds = span.from }) => startSeconds);
  const origin = Math.max(span.from, Math.min(...starts));
  const seconds = span.to - origin;
  checkDuration(seconds, settings);
  const { audio, findings } = chooseSound(source.audio, seconds, settings);
  const { text, findings: textFindings } = chooseText(source.text);
  const segmentFrames = Math.round(settings.segmentSeconds * toNumber(RATE));
  const work = audio.reduce((sum, { channels }) => sum + audioWork(seconds, channels, settings.loudness), 0);
  return {
    revision,
    source: { container: source.container, containerStart: source.startSeconds },
    origin,
    ...(source.cover && { cover: source.cover }),
    rate: RATE,
    frames: audio[0]?.frames ?? 1,
    delayFrames: 0,
    gopFrames: segmentFrames,
    segmentFrames,
    preset: settings.preset,
    rungs: [],
    chunks: [],
    audio,
    loudness: settings.loudness,
    text: [...text, ...speechTrack(audio, settings.transcribe)],
    chapters: clipChapters(source.chapters, origin, seconds),
    thumbnailWidths: settings.thumbnailWidths,
    workSeconds: Math.ceil(work * 100) / 100,
    findings: [pictureFinding(source), ...findings, ...textFindings],
  };
}
