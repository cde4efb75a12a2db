/**
 * Multivariant playlists (RFC 8216; rule numbers are those of Apple's "HLS authoring specification for Apple devices"):
 * of what is finished, and of what is still being made.
 */
import { audioGroups, audioMedia } from './audio-groups.ts';
import type { Plan } from './plan.ts';
import {
  audioSegments,
  type BitRate,
  firstOf,
  INDEPENDENT,
  keyFrames,
  measureBandwidth,
  targetDuration,
  targetOf,
  textOf,
  VERSION,
  videoSegments,
} from './playlists.ts';
import { type Rational, toNumber } from './rational.ts';
import { audioRendition, type MediaObject, objectsOf, type Receipt } from './receipt.ts';
import { BUFFER_SECONDS } from './settings.ts';
import { TEXT_GROUP, type TextRendition, textMedia } from './text/tracks.ts';

/** A rendition and its objects, in the order of their time. */
export interface RenditionMedia {
  readonly name: string;
  readonly objects: readonly MediaObject[];
}

/** The renditions of a plan, each with what there is of it. */
export const renditionsOf = (plan: Plan, receipts: readonly Pick<Receipt, 'objects'>[]) => {
  const mediaOf = (name: string): RenditionMedia => ({ name, objects: objectsOf(receipts, name) });
  return {
    rungs: plan.rungs.map(({ name }) => mediaOf(name)),
    audio: plan.audio.map((_, index) => mediaOf(audioRendition(index))),
  };
};

/** Rule 1.32: the variant listed first is H.264's nearest to this, for that is where players begin. */
const FIRST_BITS_PER_SECOND = 2_000_000;

/** CODECS: each once, in order. */
const codecsTag = (codecs: readonly (string | undefined)[]): string =>
  `CODECS="${[...new Set(codecs.filter((codec) => codec !== undefined))].join(',')}"`;

const frameRateText = (rate: Rational): string => toNumber(rate).toFixed(3);

/** What a multivariant playlist is of. */
interface Renditions {
  readonly plan: Plan;
  /** Path from the playlist to the revision's folder: with a slash at its end, or empty. */
  readonly base: string;
  /** Of the plan, in its order. */
  readonly rungs: readonly RenditionMedia[];
  /** Each rendition's objects, in the plan's order; none where it could not be made. */
  readonly audio: readonly RenditionMedia[];
  /** Subtitles and captions. */
  readonly text: readonly TextRendition[];
}

/** Bit rates in the plan's order. */
interface BitRates {
  readonly rungs: readonly BitRate[];
  readonly audio: readonly BitRate[];
  /** Of each rung's key frames, where there are playlists of them. */
  readonly keyFrames: readonly BitRate[];
}

const NO_BITS: BitRate = { peak: 0, average: 0 };

/** The multivariant playlist of a finished encode. */
export function masterPlaylist(renditions: Renditions): string {
  const { plan, rungs, audio } = renditions;
  const sound = audio.map(({ objects }) => audioSegments(objects));
  const picture = rungs.map(({ objects }) => videoSegments(plan, objects));
  const target = targetDuration(plan);
  return multivariant(renditions, {
    rungs: picture.map((segments) => measureBandwidth(segments, target)),
    audio: sound.map((segments) => measureBandwidth(segments, target)),
    keyFrames: rungs.map(({ objects }) => {
      const keys = keyFrames(plan, objects);
      return measureBandwidth(keys, targetOf(keys));
    }),
  });
}

/**
 * The multivariant playlist of an encode that has begun: no segment needs more than its cap and a full buffer, and what
 * there is of text and key frames comes with the finished stream.
 */
export function earlyPlaylist(renditions: Omit<Renditions, 'text'>): string {
  const { plan } = renditions;
  const segmentSeconds = plan.segmentFrames / toNumber(plan.rate);
  const capped = (kbps: number, bufferSeconds: number): BitRate => ({
    peak: Math.ceil(kbps * 1000 * (1 + bufferSeconds / segmentSeconds)),
    average: Math.ceil(kbps * 1000),
  });
  return multivariant(
    { ...renditions, text: [] },
    {
      rungs: plan.rungs.map(({ maxKbps }) => capped(maxKbps, BUFFER_SECONDS)),
      audio: plan.audio.map(({ kbps }) => capped(kbps, 0)),
      keyFrames: [],
    },
  );
}

function multivariant({ plan, base, rungs, audio, text }: Renditions, rates: BitRates): string {
  const groups = audioGroups(
    plan.audio,
    audio.map(({ objects }) => objects.length > 0),
  );
  const uri = (index: number) => `${base}${audio[index]?.name ?? ''}/index.m3u8`;
  const media = groups.flatMap((group) => audioMedia(group, plan.audio, uri));
  const worst = (members: readonly number[], pick: 'peak' | 'average') =>
    Math.max(0, ...members.map((index) => (rates.audio[index] ?? NO_BITS)[pick]));
  // Each variant with each group (Apple's rule 2.3: stereo for every device beside what is better).
  const ways = groups.map(({ id, members }) => {
    const tag = `AUDIO="${id}"`;
    const codecs = members.map((index) => audio[index]?.objects[0]?.codec);
    return { tag: [tag], codecs, peak: worst(members, 'peak'), average: worst(members, 'average'), members };
  });
  const subtitles = text.length > 0 ? [`SUBTITLES="${TEXT_GROUP}"`] : [];
  const silent = { tag: [], codecs: [], ...NO_BITS };

  const pictures = plan.rungs.map(({ width, height, name, codec: family, hdr }, index) => {
    const keys = rates.keyFrames[index];
    const { codec } = firstOf(rungs[index]?.objects ?? []);
    const range = `VIDEO-RANGE=${hdr?.toUpperCase() ?? 'SDR'}`;
    return {
      ...(rates.rungs[index] ?? NO_BITS),
      family,
      codec,
      size: `RESOLUTION=${width}x${height},FRAME-RATE=${frameRateText(plan.rate)},${range}`,
      uri: `${base}${name}/index.m3u8`,
      keyStream: keys
        ? [
            `#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=${keys.peak},AVERAGE-BANDWIDTH=${keys.average},CODECS="${codec}",RESOLUTION=${width}x${height},${range},URI="${base}${name}/iframes.m3u8"`,
          ]
        : [],
    };
  });
  const variants = (ways.length > 0 ? ways : [silent]).flatMap((way, index) =>
    pictures.map(({ peak, average, family, codec, size, uri }) => {
      const bandwidth = peak + way.peak;
      const tags = [
        `BANDWIDTH=${bandwidth},AVERAGE-BANDWIDTH=${average + way.average}`,
        codecsTag([codec, ...way.codecs]),
        size,
        ...way.tag,
        ...subtitles,
        'CLOSED-CAPTIONS=NONE',
      ];
      const common = index === 0 && family === 'h264';
      return { bandwidth, common, stream: `#EXT-X-STREAM-INF:${tags.join(',')}\n${uri}` };
    }),
  );
  const soundAlone = ways.map(({ tag, codecs, peak, average, members }) => {
    const rates = `BANDWIDTH=${peak},AVERAGE-BANDWIDTH=${average}`;
    const tags = [rates, codecsTag(codecs), ...tag, ...subtitles];
    return `#EXT-X-STREAM-INF:${tags.join(',')}\n${uri(members[0] ?? 0)}`;
  });
  const distance = (variant: { bandwidth: number }) =>
    Math.abs(Math.log(variant.bandwidth / FIRST_BITS_PER_SECOND));
  const [start] = variants.filter(({ common }) => common).toSorted((a, b) => distance(a) - distance(b));
  const ordered = [...(start ? [start] : []), ...variants.filter((variant) => variant !== start)];
  return textOf([
    ...['#EXTM3U', `#EXT-X-VERSION:${VERSION}`, INDEPENDENT],
    ...media,
    ...textMedia(text),
    ...(pictures.length > 0 ? ordered.map(({ stream }) => stream) : soundAlone),
    ...pictures.flatMap(({ keyStream }) => keyStream),
  ]);
}
