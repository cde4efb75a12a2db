/**
 * Every rule that the checker knows. `section` is the row of the conformance checklist (docs/conformance.md), `source`
 * the standard: RFC 8216, its successor rfc8216bis, Apple's "HLS authoring specification for Apple devices", ISO/IEC
 * 14496-12. What a standard demands is an error, what it recommends a warning.
 */
export interface Rule {
  readonly section: string;
  readonly source: string;
  readonly severity: 'error' | 'warning';
  /** What must hold. */
  readonly holds: string;
}

const must = (section: string, source: string, holds: string): Rule => {
  return { section, source, severity: 'error', holds };
};
const should = (section: string, source: string, holds: string): Rule => {
  return { section, source, severity: 'warning', holds };
};

const SYNTAX = {
  'first-line': must('R1', 'RFC 8216 4.3.1.1', '#EXTM3U is the first line'),
  'utf-8': must('R1', 'RFC 8216 4.1', 'a playlist is UTF-8 without byte order mark'),
  'mixed-tags': must('R1', 'RFC 8216 4.1', 'a playlist has media or multivariant tags, not both'),
  'duplicate-tag': must('R1', 'RFC 8216 4.3.3', 'a tag that describes the whole playlist comes once'),
  'extinf-uri': must('R1', 'RFC 8216 4.3.2.1', 'each EXTINF belongs to one URI, and each segment has one'),
  'stream-uri': must('R1', 'RFC 8216 4.3.4.2', 'each EXT-X-STREAM-INF is followed by its URI'),
  'attribute-list': must(
    'R1',
    'RFC 8216 4.2',
    'attribute lists are well formed, and name each attribute once',
  ),
  parser: must('R1', 'RFC 8216 4', 'a strict parser (hls-parser) takes the playlist'),
  'target-duration': must('R2', 'RFC 8216 4.3.3.1; Apple 7.7', 'EXT-X-TARGETDURATION is a whole number'),
  'target-exceeded': must(
    'R2',
    'RFC 8216 4.3.3.1; Apple 7.7',
    'no EXTINF rounds to more than the target duration',
  ),
  version: must('R3', 'RFC 8216 7', 'EXT-X-VERSION is high enough for what the playlist uses'),
  bandwidth: must('R4', 'RFC 8216 4.3.4.2', 'every variant has BANDWIDTH'),
  group: must('R4', 'RFC 8216 4.3.4.2', 'groups that a variant names exist'),
  'media-attributes': must('R4', 'RFC 8216 4.3.4.1', 'EXT-X-MEDIA has TYPE, GROUP-ID and NAME'),
  'name-unique': must('R4', 'RFC 8216 4.3.4.1.1', 'NAME is unique in a group'),
  'one-default': must('R4', 'RFC 8216 4.3.4.1.1', 'a group has at most one DEFAULT=YES'),
  autoselect: must('R4', 'RFC 8216 4.3.4.1', 'DEFAULT=YES goes with AUTOSELECT=YES, if that is there'),
  'autoselect-distinct': should(
    'R4',
    'RFC 8216 4.3.4.1.1',
    'AUTOSELECT=YES renditions of a group differ in more than their names, unless they have to be accessible',
  ),
  forced: must('R4', 'RFC 8216 4.3.4.1', 'FORCED is for subtitles'),
  'instream-id': must(
    'R4',
    'RFC 8216 4.3.4.1',
    'closed captions have INSTREAM-ID and no URI; nothing else has it',
  ),
  'playlist-type': must(
    'R5',
    'RFC 8216 4.3.3.5; Apple 8.6',
    'EXT-X-PLAYLIST-TYPE is VOD, or EVENT while it grows',
  ),
  endlist: must('R5', 'RFC 8216 4.3.3.4', 'EXT-X-ENDLIST ends a VOD playlist'),
  resolves: must('R5', 'RFC 8216 4.1', 'whatever a playlist names can be read'),
  'same-renditions': must('R6', 'RFC 8216 4.3.4.2.1', 'groups of one type offer the same renditions'),
  'byte-range': must(
    'R7',
    'RFC 8216 4.3.2.2',
    'EXT-X-BYTERANGE has an offset to count from and lies within its file',
  ),
  map: must('R7', 'RFC 8216 3.3; Apple 8.20', 'fragmented MP4 has EXT-X-MAP before its first segment'),
  key: must('R8', 'RFC 8216 4.3.2.4', 'EXT-X-KEY has a known METHOD and a URI; an AES-128 key has 16 bytes'),
} satisfies Record<string, Rule>;

const MULTIVARIANT = {
  codecs: must('9.1', 'RFC 8216 4.3.4.2; Apple 9.1', 'every variant has CODECS'),
  'codecs-true': must('9.1', 'RFC 8216 4.3.4.2; Apple 9.1', 'CODECS is what the init segments say'),
  resolution: must('9.2', 'RFC 8216 4.3.4.2; Apple 9.2', 'every video variant has RESOLUTION'),
  'resolution-true': must(
    '9.2',
    'RFC 8216 4.3.4.2; Apple 9.2',
    'RESOLUTION is the size in the parameter set',
  ),
  'average-bandwidth': must('9.14', 'Apple 9.14', 'every variant has AVERAGE-BANDWIDTH'),
  'frame-rate': must('9.15', 'Apple 9.15', 'every video variant has FRAME-RATE'),
  'frame-rate-true': must('9.15', 'RFC 8216 4.3.4.2; Apple 9.15', 'FRAME-RATE is what the samples measure'),
  'iframe-codecs': must('9.3', 'Apple 9.3', 'every EXT-X-I-FRAME-STREAM-INF has CODECS'),
  'iframe-resolution': must('9.4', 'Apple 9.4', 'every EXT-X-I-FRAME-STREAM-INF has RESOLUTION'),
  peak: must(
    '9.13',
    'Apple 1.27, 9.13',
    'BANDWIDTH is within 10 % of the measured peak; of a stream that still grows, no lower',
  ),
  'peak-exact': should('9.13', 'RFC 8216 4.3.4.2', 'BANDWIDTH of VOD is the measured peak'),
  average: must('1.26', 'Apple 1.26', 'AVERAGE-BANDWIDTH is within 10 % of the measured average'),
  'average-exact': should('1.26', 'RFC 8216 4.3.4.2', 'AVERAGE-BANDWIDTH of VOD is the measured average'),
  'peak-to-average': should('1.30', 'Apple 1.30', 'the peak is at most twice the average'),
  'bit-rates': must('9.9', 'Apple 9.9', 'above 192 kbit/s, there is more than one video bit rate'),
  'bit-rates-low': should('9.9', 'Apple 9.9', 'up to 192 kbit/s too, there is more than one video bit rate'),
  'top-variants': should('9.10', 'Apple 9.10', 'HD has two variants or more at the highest resolution'),
  independent: must('9.12', 'RFC 8216 4.3.5.1; Apple 9.12', 'video segments are declared independent'),
  'independent-master': should(
    '9.11',
    'Apple 9.11',
    'the multivariant playlist says EXT-X-INDEPENDENT-SEGMENTS',
  ),
  'first-variant': should(
    '1.32',
    'Apple 1.32',
    'the variant listed first is the nearest of its codec to 2000 kbit/s',
  ),
  'low-variant': should('9.21', 'Apple 9.21', 'for mobile networks, one variant has at most 192 kbit/s'),
  aspect: should('1.33', 'Apple 1.33', 'all variants have one aspect ratio'),
  'video-range': must('9.16', 'Apple 9.16', 'VIDEO-RANGE is there unless all is SDR'),
  'video-range-true': must(
    '9.16',
    'rfc8216bis 4.4.6.2; Apple 9.16',
    'VIDEO-RANGE is what the bitstream says',
  ),
  'hdr-colours': must(
    '1.7',
    'Apple 1.7; BT.2100',
    'HDR has the primaries and a matrix of BT.2100, and 10 bits',
  ),
  'sdr-variant': must('1.24', 'Apple 1.24', 'HDR has SDR variants beside it'),
  'codec-ladder': should('1.23', 'Apple 1.23', 'every video codec has the full ladder of resolutions'),
  'separate-audio': should('8.9', 'Apple 8.9, 9.5, 9.6, 9.7', 'sound is an EXT-X-MEDIA rendition of its own'),
  stereo: must('2.3', 'Apple 2.3', 'there is a stereo AAC rendition'),
  channels: must('2.3', 'RFC 8216 4.3.4.1', 'CHANNELS is what the init segment says'),
  'channels-given': must(
    '2.3',
    'rfc8216bis 4.4.6.1',
    'CHANNELS is there where renditions of one codec differ in it',
  ),
  language: must('8.10', 'Apple 4.7, 8.10', 'every EXT-X-MEDIA but video has LANGUAGE'),
  captions: must(
    '4.4',
    'RFC 8216 4.3.4.2; Apple 4.4',
    'every video variant says CLOSED-CAPTIONS, be it NONE',
  ),
  'captions-true': must('4.4', 'RFC 8216 4.3.4.2; Apple 4.4', 'CLOSED-CAPTIONS=NONE is true of the pictures'),
  accessible: must('4.5', 'Apple 2.12, 4.5', 'accessible renditions have AUTOSELECT=YES'),
  'rendition-order': should(
    '9.17',
    'Apple 9.17',
    'in one language, the general rendition comes before special ones',
  ),
  'iframe-playlist': must('6.1', 'Apple 6.1', 'there are I-frame playlists'),
  'iframes-only': must('6.8', 'RFC 8216 4.3.4.3; Apple 6.8', 'an I-frame playlist says EXT-X-I-FRAMES-ONLY'),
  'iframe-dense': should('6.2', 'Apple 6.2', 'an I-frame playlist has a picture a second'),
  'iframe-range': must(
    '6.10',
    'RFC 8216 4.3.3.6; Apple 6.10',
    'an I-frame byte range holds its moof and one whole key frame',
  ),
} satisfies Record<string, Rule>;

const MEDIA = {
  'init-segment': must(
    '7.1',
    'RFC 8216 3.3',
    'an init segment has ftyp, moov with tracks, mvex, and no samples',
  ),
  boxes: must('7.1', 'RFC 8216 3.3; ISO 14496-12 4.2', 'a segment is whole boxes, with moof and mdat'),
  'decode-time': must('7.1', 'RFC 8216 3.3', 'every track fragment has a tfdt'),
  'sample-bytes': must('7.1', 'ISO 14496-12 8.8.8', 'the samples of a trun lie in the mdat and fill it'),
  sidx: must('7.1', 'ISO 14496-12 8.16.3', 'sizes and durations of a sidx are those of what follows'),
  timeline: must('7.1', 'RFC 8216 3; Apple 7.1', 'a fragment begins at the tick where the one before ended'),
  'segment-key': must('7.4', 'RFC 8216 4.3.5.1; Apple 7.4', 'a video segment begins with an IDR picture'),
  'key-interval': should('1.13', 'Apple 1.13', 'there is a key frame every two seconds'),
  'segment-length': should('7.5', 'Apple 7.5, 7.6', 'video segments last 6 s, and none less than 0.5 s'),
  'extinf-true': must('8.1', 'RFC 8216 4.3.2.1; Apple 8.1', 'EXTINFs add up to the media within a frame'),
  'aligned-video': must('8.22', 'RFC 8216 6.2.4; Apple 8.22', 'segments of all rungs begin at the same tick'),
  'aligned-audio': should('8.22', 'Apple 8.22', 'audio segments begin within a frame of video segments'),
  'same-target': must('8.2', 'Apple 8.2', 'audio and video have one target duration'),
  'same-span': must('8.3', 'RFC 8216 6.2.4; Apple 8.3, 8.7', 'all playlists cover the same time'),
  discontinuities: must(
    '8.15',
    'RFC 8216 6.2.4; Apple 8.15',
    'discontinuities are at the same times everywhere',
  ),
  'one-audio': must('2.17', 'Apple 2.17', 'a segment has one audio track'),
  'map-change': must(
    '2.11',
    'RFC 8216 4.3.2.3; Apple 2.11',
    'codec and channels change at a discontinuity only',
  ),
  container: must('1.5', 'Apple 1.2, 1.5', 'HEVC, AV1, FLAC and ALAC come in fragmented MP4'),
  profile: must('1.3', 'Apple 1.3, 1.6', 'H.264 is at most High 5.2, HEVC at most Main 10 5.1'),
  'high-profile': should('1.4', 'Apple 1.4', 'H.264 is High profile'),
  'sample-entry': should('1.10', 'Apple 1.10', 'parameter sets are in the sample description (avc1, hvc1)'),
  progressive: must('1.14', 'Apple 1.14', 'pictures are progressive'),
  'high-frame-rate': must('1.19', 'Apple 1.19', 'there are at most 60 frames a second'),
  'audio-bit-rate': should('2.4', 'Apple 2.4, 2.9', 'stereo AAC-LC has 32 to 160 kbit/s, HE-AAC at most 64'),
  'pixel-format': must('A1', 'own', 'pictures are 4:2:0, H.264 has 8 bits, sizes are even'),
  'square-pixels': must('A1', 'own', 'pixels are square'),
  rotation: must('A1', 'own', 'no rotation is left to the player'),
  'start-together': must('A1', 'own', 'sound and picture start within 45 ms'),
  webvtt: must('5.2', 'RFC 8216 3.5; Apple 5.2', 'text segments are UTF-8 WebVTT with X-TIMESTAMP-MAP'),
  'cue-time': must(
    '5.3',
    'RFC 8216 3.5; Apple 5.3',
    'by its X-TIMESTAMP-MAP, each cue is shown while its segment plays',
  ),
} satisfies Record<string, Rule>;

const DELIVERY = {
  gzip: must('10.1', 'Apple 10.1', 'playlists come compressed by gzip'),
  'content-type': should('10.4', 'RFC 8216 4; Apple 10.4', 'content types are those of HLS'),
  tls: should('11.1', 'Apple 11.1, 11.2, 11.3', 'all comes by HTTPS, but for this machine itself'),
  redirect: must('8.18', 'Apple 8.18', 'no media request is redirected'),
  cors: should('D1', 'own', 'pages of other origins may read everything'),
  ranges: must('D1', 'RFC 9110 14', 'byte ranges are answered as such'),
  cache: should('D1', 'own', 'media may be cached'),
} satisfies Record<string, Rule>;

const TABLE = { ...SYNTAX, ...MULTIVARIANT, ...MEDIA, ...DELIVERY };

export type RuleName = keyof typeof TABLE;

export const RULES: Readonly<Record<RuleName, Rule>> = TABLE;
