/** Broken media, a rule each. */
import { readFragments } from '../../video/fmp4.ts';
import { MASTER, type Tree } from '../support/checked-tree.ts';
import {
  both,
  bytesOf,
  type Case,
  contentOf,
  edit,
  editAll,
  firstPicture,
  patch,
  rename,
  shiftTime,
} from './mutation.ts';

const TOP = 'r/180p/index.m3u8';
const SOUND = 'r/audio-0/index.m3u8';
const FIRST = 'r/180p/chunk-0.mp4';
const LAST = 'r/180p/chunk-1.mp4';
const LOW = 'r/90p/chunk-0.mp4';
const TRACK = 'r/audio-0/part-00000.m4a';

/** Pictures of other kinds: their names, and ffmpeg's arguments. Their init segments stand in for the right one. */
export const KINDS: Readonly<Record<string, readonly string[]>> = {
  fields: ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-flags', '+ildct+ilme'],
  'wide-chroma': ['-c:v', 'libx264', '-pix_fmt', 'yuv422p'],
  hevc: ['-c:v', 'libx265', '-pix_fmt', 'yuv420p', '-x265-params', 'log-level=none', '-tag:v', 'hvc1'],
  av1: ['-c:v', 'libaom-av1', '-cpu-used', '8', '-pix_fmt', 'yuv420p'],
  'wide-pixels': ['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-vf', 'setsar=4/3'],
};
export const kindPath = (kind: string): string => `x/${kind}.mp4`;

/** Lets a playlist begin with another file's init segment. */
const initOf = (path: string) => (tree: Tree) => {
  const { initLength } = readFragments(bytesOf(tree, path));
  edit(TOP, /#EXT-X-MAP.*/, `#EXT-X-MAP:URI="/tree/${path}",BYTERANGE="${initLength}@0"`)(tree);
};

/** A `trun`'s data offset, which comes after flags and count. */
const moveData = (bytes: Buffer) => bytes.writeInt32BE(1_000_000, contentOf(bytes, 'trun') + 8);

/** Four billion samples that take no space in the `trun` (flags: a data offset alone), and so no end of the data stops. */
const endless = (bytes: Buffer) => {
  bytes.writeUInt32BE(1, contentOf(bytes, 'trun'));
  bytes.writeUInt32BE(0xffffffff, contentOf(bytes, 'trun') + 4);
};

const box = (type: string, ...parts: Buffer[]): Buffer => {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(8 + parts.reduce((sum, { length }) => sum + length, 0));
  header.write(type, 4);
  return Buffer.concat([header, ...parts]);
};

/** Puts a `sidx` of one reference before the last segment, in a file of its own. */
export const indexed = (size: number, ticks: number) => (tree: Tree) => {
  const file = bytesOf(tree, LAST);
  const { fragments } = readFragments(file);
  const media = file.subarray(fragments[0]?.offset);
  const words = Buffer.alloc(36);
  words.writeUInt32BE(1, 4);
  words.writeUInt32BE(12_800, 8);
  words.writeUInt16BE(1, 22);
  words.writeUInt32BE(media.length + size, 24);
  words.writeUInt32BE(2 * 12_800 + ticks, 28);
  const whole = Buffer.concat([box('sidx', words), media]);
  tree.set('r/180p/last.m4s', whole);
  edit(TOP, /#EXT-X-BYTERANGE.*\nchunk-1.mp4/, 'last.m4s')(tree);
};

/** An init segment with its track twice. */
const twoSounds = (tree: Tree) => {
  const file = bytesOf(tree, TRACK);
  const init = file.subarray(0, readFragments(file).initLength);
  const [moov, trak] = [contentOf(init, 'moov') - 8, contentOf(init, 'trak') - 8];
  const copy = init.subarray(trak, trak + init.readUInt32BE(trak));
  const changed = Buffer.concat([init.subarray(0, trak), copy, init.subarray(trak)]);
  changed.writeUInt32BE(changed.readUInt32BE(moov) + copy.length, moov);
  tree.set('r/audio-0/init.mp4', changed);
  edit(SOUND, /#EXT-X-MAP.*/, '#EXT-X-MAP:URI="init.mp4"')(tree);
};

/** Makes pictures that are no IDR pictures of an `mdat`'s first ones. */
const noKey = (path: string, ...nth: number[]) =>
  patch(path, (bytes) => {
    for (const one of nth) bytes.writeUInt8(0x61, firstPicture(bytes, one));
  });

/** An SEI with captions, in place of the first NAL unit's bytes. */
const captions = (bytes: Buffer) => bytes.write('0604b50031474139340300', firstPicture(bytes) - 4 + 4, 'hex');

/** video_signal_type of a picture's parameter set (H.264, E.1.1): ours says BT.709 three times. */
const COLOURS = `110101${'00000001'.repeat(3)}`; // there, video_format 5, limited range, there; the three
const bitsOf = (bytes: Buffer) => [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');

/** Says of the picture, in its parameter set, that its transfer characteristics are others (H.273, table 3). */
const transfer = (value: number) => (bytes: Buffer) => {
  const from = contentOf(bytes, 'avcC');
  const bits = bitsOf(bytes.subarray(from, from + 64));
  const at = bits.indexOf(COLOURS) + 6 + 8;
  const changed = bits.slice(0, at) + value.toString(2).padStart(8, '0') + bits.slice(at + 8);
  for (let byte = 0; byte < 64; byte++) {
    bytes[from + byte] = Number.parseInt(changed.slice(byte * 8, byte * 8 + 8), 2);
  }
};

/** Makes the sound's track mono by its word (ISO/IEC 14496-3, channelConfiguration 1). */
const mono = (bytes: Buffer) => bytes.writeUInt16BE(0x1188, bytes.indexOf('1190', 0, 'hex'));

/** A mono rendition beside the stereo one, which does not say how many channels it has. */
const monoBeside = (tree: Tree) => {
  tree.set('r/mono/part-00000.m4a', bytesOf(tree, TRACK));
  patch('r/mono/part-00000.m4a', mono)(tree);
  tree.set('r/mono/index.m3u8', bytesOf(tree, SOUND));
  const beside = '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Mono",LANGUAGE="en",URI="r/mono/index.m3u8"';
  edit(MASTER, '#EXT-X-MEDIA', `${beside}\n#EXT-X-MEDIA`)(tree);
};

/** Text beside the picture. */
const subtitles = (text: string) =>
  both(
    edit(
      MASTER,
      '#EXT-X-STREAM-INF',
      '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="text",NAME="English",LANGUAGE="en",URI="text.m3u8"\n#EXT-X-STREAM-INF',
    ),
    (tree) => {
      tree.set('text.vtt', Buffer.from(text));
      const playlist = [
        '#EXTM3U',
        '#EXT-X-VERSION:3',
        '#EXT-X-TARGETDURATION:14',
        '#EXT-X-PLAYLIST-TYPE:VOD',
        '#EXTINF:14.0,',
        'text.vtt',
        '#EXT-X-ENDLIST',
        '',
      ];
      tree.set('text.m3u8', Buffer.from(playlist.join('\n')));
    },
  );

/** A text segment by the book. */
export const RIGHT_TEXT =
  'WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n00:01.000 --> 00:02.000\nHello\n';
export const withText = subtitles(RIGHT_TEXT);

const transportStream = (tree: Tree) => {
  tree.set('r/180p/a.ts', Buffer.alloc(188 * 100, 0x47));
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:3',
    '#EXT-X-TARGETDURATION:14',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXTINF:14.0,',
    'a.ts',
    '#EXT-X-ENDLIST',
    '',
  ];
  tree.set(TOP, Buffer.from(lines.join('\n')));
  edit(MASTER, /avc1\.6400../, 'hvc1.1.6.L93.B0')(tree);
};

export const MEDIA_CASES: Case[] = [
  { rule: 'init-segment', when: 'it has no mvex', mutate: rename(FIRST, 'mvex', 'free') },
  { rule: 'init-segment', when: 'it has no ftyp', mutate: rename(FIRST, 'ftyp', 'free') },
  { rule: 'boxes', when: 'a segment has no moof', mutate: rename(LAST, 'moof', 'free') },
  {
    rule: 'boxes',
    when: 'a box claims two bytes',
    mutate: patch(LAST, (bytes) => bytes.writeUInt32BE(2, contentOf(bytes, 'traf') - 8)),
  },
  {
    rule: 'boxes',
    when: 'a trun claims four billion samples',
    mutate: patch(LAST, (bytes) => endless(bytes)),
  },
  {
    rule: 'boxes',
    when: 'the media are cut',
    mutate: edit(TOP, /(?<=BYTERANGE:)\d+@\d+(?=\nchunk-1)/, '9000@761'),
  },
  { rule: 'decode-time', when: 'a fragment has none', mutate: rename(LAST, 'tfdt', 'free') },
  { rule: 'sample-bytes', when: 'samples lie elsewhere', mutate: patch(LAST, moveData) },
  {
    rule: 'sample-bytes',
    when: 'a sample is a byte short',
    mutate: patch(TRACK, (bytes) =>
      bytes.writeUInt32BE(
        bytes.readUInt32BE(contentOf(bytes, 'trun') + 12) - 1,
        contentOf(bytes, 'trun') + 12,
      ),
    ),
  },
  { rule: 'sidx', when: 'it refers to a byte too much', mutate: indexed(1, 0) },
  { rule: 'sidx', when: 'it lasts a tick too long', mutate: indexed(0, 1) },
  {
    rule: 'timeline',
    when: 'a segment begins a tick late',
    mutate: both(shiftTime(LAST, 1), shiftTime(LAST, 1, 1)),
  },
  { rule: 'timeline', when: 'a fragment in a segment begins a tick late', mutate: shiftTime(LAST, 1, 1) },
  {
    rule: 'segment-key',
    when: 'a segment begins with a picture flagged as key that is none',
    mutate: noKey(LAST, 0),
  },
  { rule: 'key-interval', when: 'two key frames in a row are none', mutate: noKey(FIRST, 1, 2) },
  {
    rule: 'iframe-range',
    when: 'the range is short of the picture',
    mutate: edit('r/180p/iframes.m3u8', /BYTERANGE:\d\d/, 'BYTERANGE:1'),
  },
  {
    rule: 'iframe-range',
    when: 'the range begins behind the moof',
    mutate: edit('r/180p/iframes.m3u8', /BYTERANGE:\d+@\d+/, 'BYTERANGE:800@1500'),
  },
  { rule: 'iframe-range', when: 'the picture is no key frame', mutate: noKey(LAST, 0) },
  { rule: 'aligned-video', when: 'one rung is a tick late', mutate: shiftTime('r/90p/chunk-1.mp4', 1) },
  {
    rule: 'aligned-video',
    when: 'one rung has a segment less',
    mutate: edit('r/90p/index.m3u8', /#EXTINF:2.*\n.*\n.*\n/, ''),
  },
  { rule: 'aligned-audio', when: 'a segment of sound begins early', mutate: shiftTime(TRACK, -24_000, 1) },
  { rule: 'start-together', when: 'sound begins 46 ms late', mutate: shiftTime(TRACK, 0.046 * 48_000) },
  { rule: 'one-audio', when: 'there are two', mutate: twoSounds },
  {
    rule: 'map-change',
    when: 'another level begins without discontinuity',
    mutate: (tree) => {
      const { initLength } = readFragments(bytesOf(tree, LOW));
      edit(
        TOP,
        '#EXTINF:2',
        `#EXT-X-MAP:URI="../90p/chunk-0.mp4",BYTERANGE="${initLength}@0"\n#EXTINF:2`,
      )(tree);
    },
  },
  { rule: 'container', when: 'HEVC comes in MPEG-TS', mutate: transportStream },
  {
    rule: 'profile',
    when: 'the level is 6.0',
    mutate: patch(FIRST, (bytes) => bytes.writeUInt8(60, contentOf(bytes, 'avcC') + 3)),
  },
  { rule: 'profile', when: 'the profile is High 4:2:2', mutate: initOf(kindPath('wide-chroma')) },
  {
    rule: 'high-profile',
    when: 'the profile is Main',
    mutate: patch(FIRST, (bytes) => bytes.writeUInt8(77, contentOf(bytes, 'avcC') + 1)),
  },
  { rule: 'sample-entry', when: 'it is avc3', mutate: rename(FIRST, 'avc1', 'avc3') },
  { rule: 'progressive', when: 'fields are coded', mutate: initOf(kindPath('fields')) },
  {
    rule: 'high-frame-rate',
    when: 'time runs three times as fast',
    mutate: patch(FIRST, (bytes) =>
      bytes.writeUInt32BE(
        3 * bytes.readUInt32BE(contentOf(bytes, 'mdhd') + 12),
        contentOf(bytes, 'mdhd') + 12,
      ),
    ),
  },
  { rule: 'pixel-format', when: 'colour is 4:2:2', mutate: initOf(kindPath('wide-chroma')) },
  { rule: 'square-pixels', when: 'pixels are 4:3', mutate: initOf(kindPath('wide-pixels')) },
  {
    rule: 'rotation',
    when: 'the display matrix mirrors',
    mutate: patch(FIRST, (bytes) => bytes.writeInt32BE(-0x10000, contentOf(bytes, 'tkhd') + 40)),
  },
  {
    rule: 'stereo',
    when: 'the one rendition is mono',
    mutate: patch(TRACK, mono),
  },
  { rule: 'captions-true', when: 'a picture carries captions', mutate: patch(FIRST, captions) },
  {
    rule: 'video-range-true',
    when: 'the transfer is PQ',
    mutate: patch(FIRST, transfer(16)),
  },
  {
    rule: 'video-range-true',
    when: 'the transfer is HLG',
    mutate: patch(FIRST, transfer(18)),
  },
  {
    rule: 'hdr-colours',
    when: 'the transfer is PQ, with the rest of BT.709',
    mutate: patch(FIRST, transfer(16)),
  },
  {
    rule: 'webvtt',
    when: 'a text segment has no time map',
    mutate: subtitles(RIGHT_TEXT.replace(/X-.*\n/, '')),
  },
  {
    rule: 'webvtt',
    when: 'a text segment is no WebVTT',
    mutate: subtitles(RIGHT_TEXT.replace('WEBVTT', 'SRT')),
  },
  {
    rule: 'webvtt',
    when: 'a text segment is Latin-1',
    mutate: (tree) => {
      withText(tree);
      tree.set('text.vtt', Buffer.from(RIGHT_TEXT.replace('Hello', 'Grüße'), 'latin1'));
    },
  },
  {
    rule: 'webvtt',
    when: 'a cue ends before it begins',
    mutate: subtitles(RIGHT_TEXT.replace('00:02.000', '00:00.500')),
  },
  {
    rule: 'cue-time',
    when: 'the time map is that of MPEG-TS',
    mutate: subtitles(RIGHT_TEXT.replace('MPEGTS:0', 'MPEGTS:1800000')),
  },
  {
    rule: 'cue-time',
    when: 'a cue comes after the end',
    mutate: subtitles(RIGHT_TEXT.replaceAll('00:0', '01:0')),
  },
  { rule: 'channels-given', when: 'one is stereo, one is mono', mutate: monoBeside },
  { rule: 'codecs-true', when: 'the pictures are HEVC', mutate: initOf(kindPath('hevc')) },
  { rule: 'codecs-true', when: 'the pictures are AV1', mutate: initOf(kindPath('av1')) },
  {
    rule: 'same-span',
    when: 'text ends early',
    mutate: both(withText, editAll('text.m3u8', /14\.0/g, '7.0')),
  },
];
