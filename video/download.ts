/** The file for downloading: which rung and sound it is made of, and in which order they lie in it. */
import { type Plan, timescaleOf } from './plan.ts';
import type { ProgressiveTrack } from './progressive.ts';
import { audioRendition, type MediaObject, objectsOf, type Receipt } from './receipt.ts';
import { AAC_FRAME, AUDIO_RATE } from './settings.ts';

/** Its path below the revision. */
export const DOWNLOAD_PATH = 'download.mp4';

/** A fragment and where it lies. */
export interface PlacedFragment {
  /** Which track's it is. */
  readonly track: number;
  readonly object: MediaObject;
  readonly offset: number;
  readonly length: number;
}

/** A track, and the object whose init segment it has. */
export type DownloadTrack = Omit<ProgressiveTrack, 'init'> & { readonly first: MediaObject };

/** What the file is made of. */
export interface Download {
  readonly tracks: readonly DownloadTrack[];
  /** In the order of their time, so that a player reads picture and sound side by side. */
  readonly fragments: readonly PlacedFragment[];
}

/** The fragments of a rendition, each with the second at which it begins. */
function fragmentsOf(
  track: number,
  objects: readonly MediaObject[],
  ticksPerSecond: number,
  ticksPerSample: number,
) {
  return objects.flatMap((object) => {
    let time = object.decodeTime;
    return object.fragments.map(({ offset, length, frames }) => {
      const seconds = time / ticksPerSecond;
      time += frames * ticksPerSample;
      return { seconds, track, object, offset, length };
    });
  });
}

/** What the planned file is made of: its rung, and the first stereo track of those that could be made. */
export function downloadOf(plan: Plan, receipts: readonly Receipt[]): Download {
  const { timescale, ticksPerFrame } = timescaleOf(plan.rate);
  const sound = plan.audio.findIndex(
    ({ channels }, index) => channels === 2 && objectsOf(receipts, audioRendition(index)).length > 0,
  );
  const renditions = [
    {
      name: plan.download ?? '',
      ticksPerSecond: timescale,
      ticksPerSample: ticksPerFrame,
      delay: plan.delayFrames * ticksPerFrame,
      allSync: false,
    },
    // The sound begins with the first picture, which is where the edit list begins: it needs none.
    ...(sound < 0
      ? []
      : [
          {
            name: audioRendition(sound),
            ticksPerSecond: AUDIO_RATE,
            ticksPerSample: AAC_FRAME,
            delay: 0,
            allSync: true,
          },
        ]),
  ].map((rendition) => ({ ...rendition, objects: objectsOf(receipts, rendition.name) }));
  return {
    tracks: renditions.map(({ name, objects, ticksPerSample, delay, allSync }) => {
      const [first] = objects;
      if (!first) throw new Error(`Revision ${plan.revision} has no ${name} to make a download of`);
      return { first, ticksPerSample, delay, allSync };
    }),
    fragments: renditions
      .flatMap(({ objects, ticksPerSecond, ticksPerSample }, track) =>
        fragmentsOf(track, objects, ticksPerSecond, ticksPerSample),
      )
      .toSorted((a, b) => a.seconds - b.seconds)
      .map(({ seconds: _, ...fragment }) => fragment),
  };
}
