/** Refuses what is beyond the owner's limits, each before the work that it saves. */
import { SourceError } from './failures.ts';
import type { EncodeSettings } from './settings.ts';
import type { Size } from './size.ts';

/** Before anything is read. */
export function checkBytes(bytes: number, { maxBytes }: Pick<EncodeSettings, 'maxBytes'>): void {
  if (bytes === 0) throw new SourceError('empty');
  if (bytes > maxBytes)
    throw new SourceError('file-too-large', `${bytes} bytes, the limit is ${maxBytes} bytes`);
}

/** Before any packet is read. @param tracks of whatever kind */
export function checkTracks(tracks: number, { maxTracks }: Pick<EncodeSettings, 'maxTracks'>): void {
  if (tracks > maxTracks)
    throw new SourceError('too-many-tracks', `${tracks} tracks, the limit is ${maxTracks}`);
}

/** Before a picture is decoded: pixels as they are shown, and as they are coded, for the shape of a pixel may hide many. */
export function checkPixels(
  shown: Size & { readonly coded: Size },
  { maxPixels }: Pick<EncodeSettings, 'maxPixels'>,
): void {
  for (const { width, height } of [shown, shown.coded]) {
    if (width * height > maxPixels)
      throw new SourceError('too-large', `${width} x ${height}, the limit is ${maxPixels} pixels`);
  }
}

/** Before anything is encoded: the length is what was measured, whatever the header says. */
export function checkDuration(
  seconds: number,
  { maxDurationSeconds }: Pick<EncodeSettings, 'maxDurationSeconds'>,
): void {
  if (seconds > maxDurationSeconds)
    throw new SourceError('too-long', `${Math.round(seconds)} s, the limit is ${maxDurationSeconds} s`);
}
