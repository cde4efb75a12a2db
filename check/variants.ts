/** Rules of a multivariant playlist's variants that need no media (rows 9.x and 1.x of the checklist). */
import { type Finding, finding } from './finding.ts';
import { has, type MultivariantPlaylist, type Variant } from './playlist.ts';
import { GROUP_TYPES } from './renditions.ts';
import type { RuleName } from './rules.ts';
import { attribute } from './tokens.ts';

/** Rule 1.32: players begin with the variant listed first; bits a second. */
const FIRST = 2_000_000;
/** Rule 9.21: bits a second. */
const MOBILE = 192_000;
/** HD begins here: lines of the short side. */
const HD = 720;
/** Sizes are rounded to even pixels, which bends a small rung's aspect ratio by so much. */
const ASPECT_TOLERANCE = 0.02;

export const bandwidthOf = ({ tag }: Variant): number => Number(attribute(tag, 'BANDWIDTH') ?? Number.NaN);

/** Width and height in pixels. */
export function sizeOf({ tag }: Variant): { width: number; height: number } | undefined {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(attribute(tag, 'RESOLUTION') ?? '') ?? [];
  return width && height ? { width: Number(width), height: Number(height) } : undefined;
}

export const codecsOf = ({ tag }: Variant): string[] =>
  (attribute(tag, 'CODECS') ?? '').split(',').flatMap((codec) => (codec.trim() ? [codec.trim()] : []));

const VIDEO = /^(avc[13]|hvc1|hev1|dvh1|dvhe|av01|vp09)\b/;
const SOUND = /^(mp4a|ac-[34]|ec-3|fLaC|alac|Opus)\b/i;
/** Which of CODECS are pictures, and which sound (RFC 6381). */
export const isVideoCodec = (codec: string): boolean => VIDEO.test(codec);

/** The codec of its picture without profile and level: `avc1`. */
const familyOf = (variant: Variant): string => codecsOf(variant).find(isVideoCodec)?.slice(0, 4) ?? '';

/** A variant with a picture, as far as its attributes tell. */
export const hasPicture = (variant: Variant): boolean =>
  variant.tag.attributes.has('RESOLUTION') ||
  codecsOf(variant).length === 0 ||
  codecsOf(variant).some(isVideoCodec);

/** Attributes that must be there, each with its rule. */
function checkAttributes(url: string, variant: Variant, allSdr: boolean): Finding[] {
  const { tag, iFrames } = variant;
  const picture = hasPicture(variant);
  const wanted: [string, RuleName, boolean][] = [
    ['BANDWIDTH', 'bandwidth', true],
    ['CODECS', iFrames ? 'iframe-codecs' : 'codecs', true],
    ['RESOLUTION', iFrames ? 'iframe-resolution' : 'resolution', picture],
    ['AVERAGE-BANDWIDTH', 'average-bandwidth', !iFrames],
    ['FRAME-RATE', 'frame-rate', picture && !iFrames],
    ['VIDEO-RANGE', 'video-range', picture && !allSdr],
    ['CLOSED-CAPTIONS', 'captions', picture && !iFrames],
  ];
  return wanted
    .filter(([name, , needed]) => needed && !tag.attributes.has(name))
    .map(([name, rule]) => finding(rule, { playlist: url, line: tag.line }, `#${tag.name} has no ${name}`));
}

/** Groups that a variant names exist; separate sound. */
function checkGroups({ url, renditions }: MultivariantPlaylist, variant: Variant): Finding[] {
  const { tag, iFrames } = variant;
  const place = { playlist: url, line: tag.line };
  const missing = GROUP_TYPES.flatMap((type) => {
    const id = attribute(tag, type);
    const unquoted = tag.attributes.get(type) === 'NONE';
    const there = renditions.some(
      (one) => attribute(one, 'TYPE') === type && attribute(one, 'GROUP-ID') === id,
    );
    return id === undefined || unquoted || there
      ? []
      : [finding('group', place, `there is no group '${id}' of TYPE=${type}`)];
  });
  const muxed = !iFrames && codecsOf(variant).some((codec) => SOUND.test(codec)) && hasPicture(variant);
  if (muxed && !tag.attributes.has('AUDIO'))
    missing.push(finding('separate-audio', place, 'sound comes inside the video'));
  return missing;
}

/** How the ladder as a whole is laid out. */
function checkLadder({ url }: MultivariantPlaylist, variants: readonly Variant[]): Finding[] {
  const findings: Finding[] = [];
  const [first] = variants;
  if (!first) return findings;
  const place = { playlist: url, line: first.tag.line };
  const rates = new Set(variants.map(bandwidthOf));
  const lowest = Math.min(...rates);
  if (rates.size < 2) {
    const rule = lowest > MOBILE ? 'bit-rates' : 'bit-rates-low';
    findings.push(finding(rule, place, `there is one bit rate, ${lowest} bit/s`));
  }
  // The codec that is listed first is the one that every player has; among its variants one is the default.
  const off = (variant: Variant) => Math.abs(Math.log(bandwidthOf(variant) / FIRST));
  const nearest = variants
    .filter((variant) => familyOf(variant) === familyOf(first))
    .reduce((best, variant) => (off(variant) < off(best) ? variant : best), first);
  if (off(nearest) < off(first)) {
    findings.push(
      finding(
        'first-variant',
        place,
        `${bandwidthOf(first)} bit/s is first, ${bandwidthOf(nearest)} is nearer to ${FIRST}`,
      ),
    );
  }
  if (lowest > MOBILE) findings.push(finding('low-variant', place, `the lowest variant has ${lowest} bit/s`));
  return [...findings, ...checkSizes(url, variants)];
}

/** One aspect ratio, two variants at the top of HD, every codec with every size. */
function checkSizes(url: string, variants: readonly Variant[]): Finding[] {
  const findings: Finding[] = [];
  const sized = variants.flatMap((variant) => {
    const size = sizeOf(variant);
    return size ? [{ variant, ...size, pixels: size.width * size.height }] : [];
  });
  const [first] = sized;
  if (!first) return findings;
  const aspect = first.width / first.height;
  for (const { variant, width, height } of sized) {
    if (Math.abs(width / height / aspect - 1) > ASPECT_TOLERANCE) {
      findings.push(
        finding(
          'aspect',
          { playlist: url, line: variant.tag.line },
          `${width}x${height} beside ${first.width}x${first.height}`,
        ),
      );
    }
  }
  const top = Math.max(...sized.map(({ pixels }) => pixels));
  const best = sized.filter(({ pixels }) => pixels === top);
  const [one] = best;
  if (one && best.length === 1 && Math.min(one.width, one.height) >= HD) {
    findings.push(
      finding(
        'top-variants',
        { playlist: url, line: one.variant.tag.line },
        `${one.width}x${one.height} has one variant`,
      ),
    );
  }
  const families = Map.groupBy(sized, ({ variant }) => familyOf(variant));
  const all = new Set(sized.map(({ width, height }) => `${width}x${height}`));
  for (const [family, members] of families) {
    const missing = [...all].filter(
      (size) => !members.some(({ width, height }) => `${width}x${height}` === size),
    );
    const line = members[0]?.variant.tag.line;
    if (missing.length > 0)
      findings.push(
        finding('codec-ladder', { playlist: url, line }, `${family} has no ${missing.join(', ')}`),
      );
  }
  return findings;
}

/** A stream with a picture has I-frame playlists; one that is still growing gets them at its end. */
export function checkIFrameStreams({ url, variants }: MultivariantPlaylist): Finding[] {
  const missing = variants.some(hasPicture) && !variants.some(({ iFrames }) => iFrames);
  return missing
    ? [finding('iframe-playlist', { playlist: url }, 'there is no EXT-X-I-FRAME-STREAM-INF')]
    : [];
}

/** HDR beside SDR, independent segments. */
function checkWhole(
  playlist: MultivariantPlaylist,
  variants: readonly Variant[],
  allSdr: boolean,
): Finding[] {
  const findings: Finding[] = [];
  const place = { playlist: playlist.url };
  const sdr = variants.some(({ tag }) => (attribute(tag, 'VIDEO-RANGE') ?? 'SDR') === 'SDR');
  if (!allSdr && !sdr) findings.push(finding('sdr-variant', place, 'there are HDR variants alone'));
  if (!has(playlist, 'EXT-X-INDEPENDENT-SEGMENTS')) {
    findings.push(finding('independent-master', place, '#EXT-X-INDEPENDENT-SEGMENTS is missing'));
  }
  return findings;
}

/** All of it. */
export function checkVariants(playlist: MultivariantPlaylist): Finding[] {
  const allSdr = playlist.variants.every(({ tag }) => (attribute(tag, 'VIDEO-RANGE') ?? 'SDR') === 'SDR');
  const pictures = playlist.variants.filter((variant) => !variant.iFrames && hasPicture(variant));
  return [
    ...playlist.variants.flatMap((variant) => checkAttributes(playlist.url, variant, allSdr)),
    ...playlist.variants.flatMap((variant) => checkGroups(playlist, variant)),
    ...checkLadder(playlist, pictures),
    ...checkWhole(playlist, pictures, allSdr),
  ];
}
