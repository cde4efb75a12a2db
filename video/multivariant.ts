/**
 * Multivariant playlists (RFC 8216; rule numbers are those of Apple's "HLS authoring specification for Apple devices"):
 * of what is finished, and of what is still being made.
 */

import { type AudioGroup, audioGroups, audioMedia } from './audio-groups.ts';
import { type BitRate, measureBandwidth } from './bit-rate.ts';
import type { Rung } from './ladder.ts';
import type { Plan } from './plan.ts';
import {
  audioSegments,
  firstOf,
  hasKeyFrames,
  INDEPENDENT,
  keyFrames,
  targetDuration,
  targetOf,
  textOf,
  VERSION,
  videoSegments,
} from './playlists.ts';
import { type Rational, toNumber } from './rational.ts';
import { audioRendition, type MediaObject, objectsOf, type Receipt } from './receipt.ts';
import { BUFFER_SECONDS } from './settings.ts';
import type { Size } from './size.ts';
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

const resolutionTag = ({ width, height }: Size): string => `RESOLUTION=${width}x${height}`;

const rangeTag = ({ hdr }: Pick<Rung, 'hdr'>): string => `VIDEO-RANGE=${hdr?.toUpperCase() ?? 'SDR'}`;

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
    keyFrames: (hasKeyFrames(plan) ? rungs : []).map(({ objects }) => {
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

/** The costliest of renditions of which a player takes one (rfc8216bis, 4.4.6.2 BANDWIDTH). */
const worstOf = (rates: readonly BitRate[]): BitRate => ({
  peak: Math.max(0, ...rates.map(({ peak }) => peak)),
  average: Math.max(0, ...rates.map(({ average }) => average)),
});

const bothOf = (one: BitRate, other: BitRate): BitRate => ({
  peak: one.peak + other.peak,
  average: one.average + other.average,
});

/** A way to hear a stream: a group of renditions. */
interface Way {
  readonly rate: BitRate;
  readonly tags: readonly string[];
  readonly codecs: readonly (string | undefined)[];
}

/** What is read beside it. */
interface Words {
  readonly tags: readonly string[];
  readonly rate: BitRate;
}

const SILENT: Way = { tags: [], codecs: [], rate: NO_BITS };

function wayOf(
  { id, members }: AudioGroup,
  audio: readonly RenditionMedia[],
  rates: readonly BitRate[],
): Way {
  return {
    tags: [`AUDIO="${id}"`],
    codecs: members.map((index) => audio[index]?.objects[0]?.codec),
    rate: worstOf(members.map((index) => rates[index] ?? NO_BITS)),
  };
}

const bandwidthTag = ({ peak, average }: BitRate): string => `BANDWIDTH=${peak},AVERAGE-BANDWIDTH=${average}`;

const streamTag = (tags: readonly string[], uri: string): string =>
  `#EXT-X-STREAM-INF:${tags.join(',')}\n${uri}`;

/** The variants of a picture: each rung with each way to hear it, the one to begin with first. */
function variantsOf(
  { plan, base, rungs }: Renditions,
  rates: readonly BitRate[],
  ways: readonly Way[],
  words: Words,
): string[] {
  const variants = ways.flatMap((way, index) =>
    plan.rungs.map((rung, rungIndex) => {
      const all = bothOf(rates[rungIndex] ?? NO_BITS, bothOf(way.rate, words.rate));
      const { codec } = firstOf(rungs[rungIndex]?.objects ?? []);
      const tags = [
        bandwidthTag(all),
        codecsTag([codec, ...way.codecs]),
        resolutionTag(rung),
        `FRAME-RATE=${frameRateText(plan.rate)}`,
        rangeTag(rung),
        ...way.tags,
        ...words.tags,
        'CLOSED-CAPTIONS=NONE',
      ];
      return {
        farFromFirst: Math.abs(Math.log(all.peak / FIRST_BITS_PER_SECOND)),
        common: index === 0 && rung.codec === 'h264',
        stream: streamTag(tags, `${base}${rung.name}/index.m3u8`),
      };
    }),
  );
  const [start] = variants.filter(({ common }) => common).toSorted((a, b) => a.farFromFirst - b.farFromFirst);
  const ordered = [...(start ? [start] : []), ...variants.filter((variant) => variant !== start)];
  return ordered.map(({ stream }) => stream);
}

/** The key frames of each rung, where there are playlists of them. */
const keyFrameStreams = ({ plan, base, rungs }: Renditions, rates: readonly BitRate[]): string[] =>
  rates.flatMap((rate, index) => {
    const rung = plan.rungs[index];
    if (!rung) return [];
    const { codec } = firstOf(rungs[index]?.objects ?? []);
    const tags = [
      bandwidthTag(rate),
      codecsTag([codec]),
      resolutionTag(rung),
      rangeTag(rung),
      `URI="${base}${rung.name}/iframes.m3u8"`,
    ];
    return [`#EXT-X-I-FRAME-STREAM-INF:${tags.join(',')}`];
  });

function multivariant(renditions: Renditions, rates: BitRates): string {
  const { plan, base, audio, text } = renditions;
  const groups = audioGroups(
    plan.audio,
    audio.map(({ objects }) => objects.length > 0),
  );
  const uriOf = (index: number) => `${base}${audio[index]?.name ?? ''}/index.m3u8`;
  const words: Words = {
    tags: text.length > 0 ? [`SUBTITLES="${TEXT_GROUP}"`] : [],
    rate: worstOf(text.map(({ rate }) => rate)),
  };
  // Each variant with each group (Apple's rule 2.3: stereo for every device beside what is better).
  const ways = groups.map((group) => wayOf(group, audio, rates.audio));
  const soundAlone = () =>
    ways.map((way, index) =>
      streamTag(
        [bandwidthTag(bothOf(way.rate, words.rate)), codecsTag(way.codecs), ...way.tags, ...words.tags],
        uriOf(groups[index]?.members[0] ?? 0),
      ),
    );
  return textOf([
    ...['#EXTM3U', `#EXT-X-VERSION:${VERSION}`, INDEPENDENT],
    ...groups.flatMap((group) => audioMedia(group, plan.audio, uriOf)),
    ...textMedia(text),
    ...(plan.rungs.length > 0
      ? variantsOf(renditions, rates.rungs, ways.length > 0 ? ways : [SILENT], words)
      : soundAlone()),
    ...keyFrameStreams(renditions, rates.keyFrames),
  ]);
}
