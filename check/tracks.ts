/** Rules of what is encoded, told by init segments (rows 1.x, 2.x, A1 of the checklist). */
import { type Finding, finding } from './finding.ts';
import type { Track } from './init.ts';
import type { Loaded } from './load.ts';
import { measureBitRate, measureFrameRate } from './measure.ts';
import type { RuleName } from './rules.ts';

/** Rules 1.3, 1.6: the highest profile and level. Levels as the parameter sets count them. */
const H264 = { profiles: [66, 77, 100], level: 52, high: 100 };
const HEVC = { profiles: [1, 2], level: 153 };

/** Bits a second (2.4, 2.9). A tenth more is what rate control and headers take. */
const STEREO = { least: 32_000, most: 160_000 * 1.1 };
const HE_AAC = { most: 64_000 * 1.1 };

type Broken = [boolean, RuleName, string];

function checkPicture(track: Track): Broken[] {
  const { picture, profile = 0, level = 0, entry, pasp } = track;
  const avc = entry.startsWith('avc');
  const hevc = entry.startsWith('h');
  const limits = avc ? H264 : HEVC;
  const aspect = picture?.pixelAspect ?? pasp;
  const format =
    picture &&
    `${picture.width}x${picture.height}, chroma format ${picture.chromaFormat}, ${picture.bitDepth} bits`;
  const odd =
    picture &&
    (picture.chromaFormat !== 1 ||
      (avc && picture.bitDepth !== 8) ||
      picture.width % 2 ||
      picture.height % 2);
  return [
    [
      (avc || hevc) && (!limits.profiles.includes(profile) || level > limits.level),
      'profile',
      `profile ${profile}, level ${level}`,
    ],
    [avc && profile < H264.high, 'high-profile', `profile ${profile} is below High`],
    [entry === 'avc3' || entry === 'hev1', 'sample-entry', `the sample entry is '${entry}'`],
    [picture?.progressive === false, 'progressive', 'the parameter set allows fields'],
    [Boolean(odd), 'pixel-format', `the picture is ${format}`],
    [
      aspect !== undefined && aspect.width !== aspect.height,
      'square-pixels',
      `pixels are ${aspect?.width}:${aspect?.height}`,
    ],
    [!track.upright, 'rotation', 'the display matrix turns or mirrors the picture'],
  ];
}

/** 5 and 29 are HE-AAC, 2 is AAC-LC (ISO/IEC 14496-3, table 1.17). */
function checkSound(loaded: Loaded, track: Track): Broken[] {
  if (loaded.role !== 'audio') return [];
  const { average } = measureBitRate(loaded);
  const highEfficiency = /^mp4a\.40\.(5|29)$/.test(track.text ?? '');
  const stereo = track.text === 'mp4a.40.2' && track.channels === 2;
  const wrong =
    (highEfficiency && average > HE_AAC.most) ||
    (stereo && (average < STEREO.least || average > STEREO.most));
  return [[wrong, 'audio-bit-rate', `${track.text} has ${Math.round(average)} bit/s`]];
}

/** The rules of every track of a rendition, told at its first segment. */
export function checkTracks(loaded: Loaded): Finding[] {
  const { playlist, segments } = loaded;
  const [first] = segments;
  const tracks = first?.init?.tracks ?? [];
  const sounds = tracks.filter(({ kind }) => kind === 'audio').length;
  const rate = loaded.role === 'video' ? measureFrameRate(loaded)?.rate : undefined;
  const broken: Broken[] = [
    ...tracks.flatMap((track) => (track.kind === 'video' ? checkPicture(track) : [])),
    ...tracks.flatMap((track) => (track.kind === 'audio' ? checkSound(loaded, track) : [])),
    [sounds > 1, 'one-audio', `there are ${sounds} audio tracks`],
    [
      rate !== undefined && rate > 60.01 && tracks.some(({ kind }) => kind === 'video'),
      'high-frame-rate',
      `there are ${rate?.toFixed(2)} frames a second`,
    ],
  ];
  const place = { playlist: playlist.url, line: first?.map?.line };
  return broken.filter(([is]) => is).map(([, rule, message]) => finding(rule, place, message));
}
