/** Compares what a multivariant playlist says of its variants with what their media measure. */
import { type Finding, finding } from './finding.ts';
import type { Track } from './init.ts';
import type { Loaded } from './load.ts';
import { type BitRate, measureBitRate, measureFrameRate, NO_BITS } from './measure.ts';
import type { Colours } from './parameter-sets.ts';
import { isGrowing, type MultivariantPlaylist, resolve, type Variant } from './playlist.ts';
import type { RuleName } from './rules.ts';
import { attribute, type Tag } from './tokens.ts';
import { bandwidthOf, codecsOf, isVideoCodec, sizeOf } from './variants.ts';

/** Apple 1.26, 1.27. */
const TOLERANCE = 0.1;
/** EXTINF is rounded, and so are bits a second. */
const ROUNDING = 1e-4;
/** Rule 1.30. */
const PEAK_TO_AVERAGE = 2;
/** Three decimals are written. */
const FRAME_RATE_TOLERANCE = 0.002;

/** What pictures of high dynamic range have (BT.2100, tables 2, 6, 7 and 8; codes of H.273: BT.2020, and ICtCp). */
const BT2100 = { primaries: 9, matrices: [9, 14], bits: 10 };

/** VIDEO-RANGE by transfer_characteristics (H.273, table 3). */
const RANGES: Readonly<Record<number, string>> = { 16: 'PQ', 18: 'HLG' };

export type Media = ReadonlyMap<string, Loaded>;

const tracksOf = (loaded: Loaded | undefined): readonly Track[] => loaded?.segments[0]?.init?.tracks ?? [];

/** The renditions with media of their own that play with a variant. */
function membersOf(
  { url, renditions }: MultivariantPlaylist,
  { tag }: Variant,
  type: string,
  media: Media,
): { tag: Tag; loaded: Loaded }[] {
  const id = attribute(tag, type);
  return renditions.flatMap((one) => {
    const uri = attribute(one, 'URI');
    const loaded = uri === undefined ? undefined : media.get(resolve(uri, url));
    const belongs = id !== undefined && attribute(one, 'TYPE') === type && attribute(one, 'GROUP-ID') === id;
    return belongs && loaded ? [{ tag: one, loaded }] : [];
  });
}

/** The highest sum over playable combinations (RFC 8216, 4.3.4.2): the variant, and the worst of each group. */
function combined(own: Loaded, groups: readonly (readonly Loaded[])[]): BitRate {
  // A variant of sound alone is itself one of its group: another member plays instead of it, not beside it.
  const isMember = groups.some((members) => members.includes(own));
  const worst = groups.map((members) => {
    const rates = members.map(measureBitRate);
    const highest = (pick: (rate: BitRate) => number) => Math.max(0, ...rates.map(pick));
    return { peak: highest(({ peak }) => peak), average: highest(({ average }) => average) };
  });
  return [...(isMember ? [] : [measureBitRate(own)]), ...worst].reduce(
    (sum, { peak, average }) => ({ peak: sum.peak + peak, average: sum.average + average }),
    NO_BITS,
  );
}

/** A declared rate against a measured one: far off, or not exact. */
function compare(
  declared: number,
  measured: number,
  far: RuleName,
  exact: RuleName,
  name: string,
): [RuleName, string][] {
  if (Number.isNaN(declared) || !Number.isFinite(measured)) return [];
  const off = Math.abs(declared - measured);
  const message = `${name}=${declared}, the segments measure ${Math.ceil(measured)}`;
  if (off > TOLERANCE * declared) return [[far, message]];
  return off > Math.max(3, ROUNDING * measured) ? [[exact, message]] : [];
}

/** What has come so far keeps within what a growing stream promised. */
function checkPromise(variant: Variant, { peak }: BitRate): [RuleName, string][] {
  const promised = bandwidthOf(variant);
  return peak > promised * (1 + TOLERANCE)
    ? [['peak', `BANDWIDTH=${promised}, the segments measure ${Math.ceil(peak)} already`]]
    : [];
}

function checkRates(variant: Variant, measured: BitRate): [RuleName, string][] {
  const average = Number(attribute(variant.tag, 'AVERAGE-BANDWIDTH') ?? Number.NaN);
  const high = measured.peak > PEAK_TO_AVERAGE * measured.average && !variant.iFrames;
  const ratio = (measured.peak / measured.average).toFixed(2);
  return [
    ...compare(bandwidthOf(variant), measured.peak, 'peak', 'peak-exact', 'BANDWIDTH'),
    ...compare(average, measured.average, 'average', 'average-exact', 'AVERAGE-BANDWIDTH'),
    ...(high
      ? [['peak-to-average', `the peak is ${ratio} times the average`] satisfies [RuleName, string]]
      : []),
  ];
}

/** CODECS of a variant: one for each codec of its own media and of its groups'; text may be left out. */
function checkCodecs(variant: Variant, tracks: readonly Track[]): [RuleName, string][] {
  if (
    !variant.tag.attributes.has('CODECS') ||
    tracks.length === 0 ||
    tracks.some(({ text }) => text === undefined)
  )
    return [];
  const says = new Set(codecsOf(variant).map((codec) => codec.toLowerCase()));
  const is = new Set(tracks.map(({ text = '' }) => text.toLowerCase()));
  const missing = [...is].filter((codec) => !says.has(codec));
  const extra = [...says].filter((codec) => !is.has(codec) && !/^(wvtt|stpp)/.test(codec));
  const truth = [...new Set(tracks.map(({ text }) => text))].join(',');
  const message = `CODECS="${codecsOf(variant).join(',')}", the init segments say "${truth}"`;
  return missing.length + extra.length > 0 ? [['codecs-true', message]] : [];
}

/** Pictures of PQ and HLG. @param bits of a sample, where they are known */
function checkHdr({ primaries, matrix }: Colours, bits = BT2100.bits): [RuleName, string][] {
  if (primaries === BT2100.primaries && BT2100.matrices.includes(matrix) && bits >= BT2100.bits) return [];
  const message = `the pictures have primaries ${primaries}, matrix ${matrix} and ${bits} bits`;
  return [['hdr-colours', message]];
}

/** RESOLUTION, FRAME-RATE, VIDEO-RANGE and CLOSED-CAPTIONS against the pictures. */
function checkPictures(variant: Variant, own: Loaded): [RuleName, string][] {
  const broken: [RuleName, string][] = [];
  const video = tracksOf(own).find(({ kind }) => kind === 'video');
  if (!video) return broken;
  const { tag } = variant;
  const size = sizeOf(variant);
  const { picture } = video;
  if (size && picture && (size.width !== picture.width || size.height !== picture.height)) {
    broken.push([
      'resolution-true',
      `RESOLUTION=${size.width}x${size.height}, the pictures are ${picture.width}x${picture.height}`,
    ]);
  }
  const rate = variant.iFrames ? undefined : measureFrameRate(own);
  const declared = Number(attribute(tag, 'FRAME-RATE') ?? Number.NaN);
  if (rate?.steady && Math.abs(declared - rate.rate) > FRAME_RATE_TOLERANCE) {
    broken.push(['frame-rate-true', `FRAME-RATE=${declared}, the samples measure ${rate.rate.toFixed(3)}`]);
  }
  const colours = picture?.colours ?? video.colours;
  const range = colours && (RANGES[colours.transfer] ?? 'SDR');
  const says = attribute(tag, 'VIDEO-RANGE') ?? 'SDR';
  if (range !== undefined && says !== range) {
    broken.push([
      'video-range-true',
      `VIDEO-RANGE=${says}, transfer characteristics ${colours?.transfer} are ${range}`,
    ]);
  }
  if (colours && range !== 'SDR') broken.push(...checkHdr(colours, picture?.bitDepth));
  const captions = own.segments.some(({ facts }) => facts?.runs.some((run) => run.captions));
  if (captions && tag.attributes.get('CLOSED-CAPTIONS') === 'NONE') {
    broken.push(['captions-true', 'CLOSED-CAPTIONS=NONE, the pictures carry captions']);
  }
  return broken;
}

/** The rules of each variant that need its media. */
export function checkTruth(playlist: MultivariantPlaylist, media: Media): Finding[] {
  return playlist.variants.flatMap((variant) => {
    const own = media.get(variant.url);
    if (!own || own.segments.length === 0) return [];
    const groups = variant.iFrames
      ? []
      : ['AUDIO', 'SUBTITLES'].map((type) =>
          membersOf(playlist, variant, type, media).map(({ loaded }) => loaded),
        );
    const sounds = groups[0] ?? [];
    const container =
      own.transportStream && codecsOf(variant).some((codec) => /^(hvc1|hev1|av01|fLaC|alac)/.test(codec));
    const broken: [RuleName, string][] = [
      ...(isGrowing(own.playlist) ? checkPromise : checkRates)(variant, combined(own, groups)),
      ...checkCodecs(variant, [own, ...sounds].flatMap(tracksOf)),
      ...checkPictures(variant, own),
      ...(container
        ? [
            ['container', `${codecsOf(variant).find(isVideoCodec) ?? 'its codec'} in MPEG-TS`] satisfies [
              RuleName,
              string,
            ],
          ]
        : []),
    ];
    const place = { playlist: playlist.url, line: variant.tag.line };
    return broken.map(([rule, message]) => finding(rule, place, message));
  });
}

/** A stereo AAC rendition there is, and CHANNELS is true. */
export function checkSounds(playlist: MultivariantPlaylist, media: Media): Finding[] {
  const sounds = playlist.renditions
    .filter((tag) => attribute(tag, 'TYPE') === 'AUDIO')
    .map((tag) => {
      const uri = attribute(tag, 'URI');
      const loaded = uri === undefined ? undefined : media.get(resolve(uri, playlist.url));
      return { tag, track: tracksOf(loaded).find(({ kind }) => kind === 'audio') };
    });
  const known = sounds.flatMap(({ tag, track }) => (track ? [{ tag, track }] : []));
  const wrong = known.filter(({ tag, track }) => {
    const says = attribute(tag, 'CHANNELS')?.split('/')[0];
    return says !== undefined && track.channels !== undefined && Number(says) !== track.channels;
  });
  const silent = known.filter(
    ({ tag, track }) =>
      !tag.attributes.has('CHANNELS') &&
      known.some((other) => other.track.text === track.text && other.track.channels !== track.channels),
  );
  const stereo = known.some(
    ({ track }) => track.channels === 2 && /^mp4a\.40\.(2|5|29)$/.test(track.text ?? ''),
  );
  const all = known.length === sounds.length && known.length > 0;
  return [
    ...wrong.map(({ tag, track }) =>
      finding(
        'channels',
        { playlist: playlist.url, line: tag.line },
        `CHANNELS="${attribute(tag, 'CHANNELS')}", the init segment has ${track.channels}`,
      ),
    ),
    ...silent.map(({ tag, track }) =>
      finding(
        'channels-given',
        { playlist: playlist.url, line: tag.line },
        `'${attribute(tag, 'NAME')}' has ${track.channels} channels of ${track.text}, another rendition has others`,
      ),
    ),
    ...(all && !stereo
      ? [
          finding(
            'stereo',
            { playlist: playlist.url, line: known[0]?.tag.line },
            'no audio rendition is stereo AAC',
          ),
        ]
      : []),
  ];
}
