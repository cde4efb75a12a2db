/** Broken playlists, a rule each. */
import { MASTER } from '../support/checked-tree.ts';
import { both, bytesOf, type Case, edit, editAll, patch } from './mutation.ts';

const TOP = 'r/180p/index.m3u8';
const SOUND = 'r/audio-0/index.m3u8';
const KEYS = 'r/180p/iframes.m3u8';

const second = (attributes: string) =>
  `#EXT-X-MEDIA:TYPE=AUDIO,URI="r/audio-0/index.m3u8",${attributes}\n#EXT-X-STREAM-INF`;

export const SYNTAX_CASES: Case[] = [
  { rule: 'first-line', when: '#EXTM3U is gone', mutate: edit(TOP, '#EXTM3U\n', '') },
  { rule: 'utf-8', when: 'a byte order mark comes first', mutate: edit(TOP, '#EXTM3U', '\ufeff#EXTM3U') },
  {
    rule: 'utf-8',
    when: 'a byte is no UTF-8',
    mutate: patch(MASTER, (bytes) => bytes.writeUInt8(0xff, bytes.indexOf('English'))),
  },
  {
    rule: 'mixed-tags',
    when: 'the master has a target duration',
    mutate: edit(MASTER, '#EXT-X-VERSION:7', '#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:6'),
  },
  {
    rule: 'duplicate-tag',
    when: 'the version comes twice',
    mutate: edit(TOP, '#EXT-X-VERSION:7', '#EXT-X-VERSION:7\n#EXT-X-VERSION:7'),
  },
  { rule: 'extinf-uri', when: 'the last URI is gone', mutate: edit(TOP, 'chunk-1.mp4\n', '') },
  { rule: 'extinf-uri', when: 'a URI has no EXTINF', mutate: edit(TOP, '#EXTINF:2.000000,\n', '') },
  {
    rule: 'extinf-uri',
    when: 'two EXTINF come before one URI',
    mutate: edit(TOP, '#EXTINF:2', '#EXTINF:2.0,\n#EXTINF:2'),
  },
  { rule: 'stream-uri', when: 'a variant has no URI', mutate: edit(MASTER, 'r/90p/index.m3u8\n', '') },
  {
    rule: 'attribute-list',
    when: 'an attribute comes twice',
    mutate: edit(MASTER, 'FRAME-RATE=25.000', 'FRAME-RATE=25.000,FRAME-RATE=25.000'),
  },
  {
    rule: 'attribute-list',
    when: 'a quote is not closed',
    mutate: edit(MASTER, 'NAME="English"', 'NAME="English'),
  },
  {
    rule: 'parser',
    when: 'VIDEO-RANGE is of no known kind',
    mutate: edit(MASTER, 'VIDEO-RANGE=SDR', 'VIDEO-RANGE=WIDE'),
  },
  { rule: 'target-duration', when: 'it is gone', mutate: edit(TOP, '#EXT-X-TARGETDURATION:6\n', '') },
  { rule: 'target-duration', when: 'it has a fraction', mutate: edit(TOP, 'DURATION:6', 'DURATION:6.5') },
  {
    rule: 'target-exceeded',
    when: 'it is shorter than the segments',
    mutate: edit(TOP, 'DURATION:6', 'DURATION:5'),
  },
  { rule: 'version', when: 'EXT-X-MAP stands under version 5', mutate: edit(TOP, 'VERSION:7', 'VERSION:5') },
  {
    rule: 'version',
    when: 'byte ranges stand under version 3',
    mutate: both(edit(TOP, 'VERSION:7', 'VERSION:3'), edit(TOP, /#EXT-X-MAP.*\n/, '')),
  },
  { rule: 'bandwidth', when: 'BANDWIDTH is gone', mutate: edit(MASTER, /:BANDWIDTH=\d+,/, ':') },
  {
    rule: 'group',
    when: 'a variant names another group',
    mutate: edit(MASTER, 'AUDIO="audio"', 'AUDIO="sound"'),
  },
  { rule: 'media-attributes', when: 'NAME is gone', mutate: edit(MASTER, 'NAME="English",', '') },
  {
    rule: 'name-unique',
    when: 'two renditions have one name',
    mutate: edit(MASTER, '#EXT-X-STREAM-INF', second('GROUP-ID="audio",NAME="English",LANGUAGE="de"')),
  },
  {
    rule: 'one-default',
    when: 'there are two defaults',
    mutate: edit(
      MASTER,
      '#EXT-X-STREAM-INF',
      second('GROUP-ID="audio",NAME="Deutsch",LANGUAGE="de",DEFAULT=YES'),
    ),
  },
  {
    rule: 'autoselect',
    when: 'the default is not selected by itself',
    mutate: edit(MASTER, 'AUTOSELECT=YES', 'AUTOSELECT=NO'),
  },
  {
    rule: 'autoselect-distinct',
    when: 'a second rendition of the language may be chosen, too',
    mutate: edit(
      MASTER,
      '#EXT-X-STREAM-INF',
      second('GROUP-ID="audio",NAME="English, live",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES'),
    ),
  },
  {
    rule: 'forced',
    when: 'sound is forced',
    mutate: edit(MASTER, 'CHANNELS="2"', 'CHANNELS="2",FORCED=YES'),
  },
  {
    rule: 'instream-id',
    when: 'sound has one',
    mutate: edit(MASTER, 'CHANNELS="2"', 'CHANNELS="2",INSTREAM-ID="CC1"'),
  },
  {
    rule: 'instream-id',
    when: 'captions have a URI',
    mutate: edit(
      MASTER,
      '#EXT-X-STREAM-INF',
      '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="CC",LANGUAGE="en",INSTREAM-ID="CC1",URI="x"\n#EXT-X-STREAM-INF',
    ),
  },
  { rule: 'playlist-type', when: 'it is EVENT, and has ended', mutate: edit(TOP, 'TYPE:VOD', 'TYPE:EVENT') },
  { rule: 'endlist', when: 'it is gone', mutate: edit(TOP, '#EXT-X-ENDLIST\n', '') },
  { rule: 'resolves', when: 'a segment is gone', mutate: (tree) => void tree.delete('r/180p/chunk-1.mp4') },
  { rule: 'resolves', when: 'a playlist is gone', mutate: (tree) => void tree.delete(SOUND) },
  {
    rule: 'same-renditions',
    when: 'a second group has another choice',
    mutate: edit(MASTER, '#EXT-X-STREAM-INF', second('GROUP-ID="more",NAME="Deutsch",LANGUAGE="de"')),
  },
  {
    rule: 'byte-range',
    when: 'it reaches beyond the file',
    mutate: edit(TOP, /BYTERANGE:\d+@(\d+)\nchunk-1/, 'BYTERANGE:9999999@761\nchunk-1'),
  },
  { rule: 'byte-range', when: 'the first has no offset', mutate: edit(TOP, /(?<=BYTERANGE:\d+)@\d+/, '') },
  { rule: 'map', when: 'it is gone', mutate: edit(TOP, /#EXT-X-MAP.*\n/, '') },
  {
    rule: 'key',
    when: 'its method is unknown',
    mutate: edit(TOP, '#EXTINF', '#EXT-X-KEY:METHOD=AES-129,URI="key"\n#EXTINF'),
  },
  {
    rule: 'key',
    when: 'it has no URI',
    mutate: edit(TOP, '#EXTINF', '#EXT-X-KEY:METHOD=SAMPLE-AES\n#EXTINF'),
  },
  {
    rule: 'key',
    when: 'it has 15 bytes',
    mutate: both(
      edit(TOP, '#EXTINF', '#EXT-X-KEY:METHOD=AES-128,URI="key"\n#EXTINF'),
      (tree) => void tree.set('r/180p/key', Buffer.alloc(15)),
    ),
  },
];

export const MULTIVARIANT_CASES: Case[] = [
  { rule: 'codecs', when: 'CODECS is gone', mutate: edit(MASTER, /CODECS="[^"]*",/, '') },
  {
    rule: 'codecs-true',
    when: 'CODECS names another level',
    mutate: edit(MASTER, /avc1\.6400../, 'avc1.640028'),
  },
  { rule: 'codecs-true', when: 'CODECS names no sound', mutate: edit(MASTER, ',mp4a.40.2', '') },
  { rule: 'resolution', when: 'RESOLUTION is gone', mutate: edit(MASTER, /RESOLUTION=\w+,/, '') },
  { rule: 'resolution-true', when: 'RESOLUTION is two lines off', mutate: edit(MASTER, 'x180', 'x182') },
  {
    rule: 'average-bandwidth',
    when: 'AVERAGE-BANDWIDTH is gone',
    mutate: edit(MASTER, /AVERAGE-BANDWIDTH=\d+,/, ''),
  },
  { rule: 'frame-rate', when: 'FRAME-RATE is gone', mutate: edit(MASTER, 'FRAME-RATE=25.000,', '') },
  { rule: 'frame-rate-true', when: 'FRAME-RATE is a little off', mutate: edit(MASTER, '25.000', '24.990') },
  {
    rule: 'iframe-codecs',
    when: 'an I-frame stream has no CODECS',
    mutate: edit(MASTER, /(?<=I-FRAME.*)CODECS="[^"]*",/, ''),
  },
  {
    rule: 'iframe-resolution',
    when: 'an I-frame stream has no RESOLUTION',
    mutate: edit(MASTER, /(?<=I-FRAME.*)RESOLUTION=\w+,/, ''),
  },
  { rule: 'peak', when: 'BANDWIDTH is far off', mutate: edit(MASTER, /BANDWIDTH=\d/, 'BANDWIDTH=9') },
  { rule: 'peak-exact', when: 'BANDWIDTH is a hundred bits off', mutate: offBy('BANDWIDTH', 100) },
  {
    rule: 'average',
    when: 'AVERAGE-BANDWIDTH is far off',
    mutate: edit(MASTER, /AVERAGE-BANDWIDTH=\d/, 'AVERAGE-BANDWIDTH=9'),
  },
  {
    rule: 'average-exact',
    when: 'AVERAGE-BANDWIDTH is a hundred bits off',
    mutate: offBy('AVERAGE-BANDWIDTH', 100),
  },
  {
    rule: 'peak-to-average',
    when: 'one segment lasts long for its bytes',
    mutate: edit(TOP, '#EXTINF:6.000000', '#EXTINF:60.000000'),
  },
  {
    rule: 'bit-rates',
    when: 'all variants have 200 kbit/s',
    mutate: editAll(MASTER, /:BANDWIDTH=\d+/g, ':BANDWIDTH=200000'),
  },
  {
    rule: 'bit-rates-low',
    when: 'all variants have 100 kbit/s',
    mutate: editAll(MASTER, /:BANDWIDTH=\d+/g, ':BANDWIDTH=100000'),
  },
  { rule: 'top-variants', when: 'there is one of 720 lines', mutate: edit(MASTER, '298x180', '1192x720') },
  {
    rule: 'independent',
    when: 'nothing says so',
    mutate: both(
      edit(MASTER, '#EXT-X-INDEPENDENT-SEGMENTS\n', ''),
      edit(TOP, '#EXT-X-INDEPENDENT-SEGMENTS\n', ''),
    ),
  },
  {
    rule: 'independent-master',
    when: 'the master does not say so',
    mutate: edit(MASTER, '#EXT-X-INDEPENDENT-SEGMENTS\n', ''),
  },
  {
    rule: 'first-variant',
    when: 'a lesser one comes first',
    mutate: edit(MASTER, /:BANDWIDTH=\d+/, ':BANDWIDTH=1000'),
  },
  {
    rule: 'low-variant',
    when: 'the lowest has 300 kbit/s',
    mutate: editAll(MASTER, /:BANDWIDTH=\d+/g, ':BANDWIDTH=300000'),
  },
  { rule: 'aspect', when: 'one is narrower', mutate: edit(MASTER, '298x180', '240x180') },
  {
    rule: 'video-range',
    when: 'one is PQ, another silent',
    mutate: both(edit(MASTER, 'VIDEO-RANGE=SDR', 'VIDEO-RANGE=PQ'), edit(MASTER, 'VIDEO-RANGE=SDR,', '')),
  },
  { rule: 'sdr-variant', when: 'all are PQ', mutate: editAll(MASTER, /=SDR/g, '=PQ') },
  {
    rule: 'codec-ladder',
    when: 'HEVC has one size',
    mutate: edit(MASTER, /avc1\.6400../, 'hvc1.1.6.L93.B0'),
  },
  {
    rule: 'separate-audio',
    when: 'a variant with sound names no group',
    mutate: edit(MASTER, 'AUDIO="audio",', ''),
  },
  { rule: 'channels', when: 'CHANNELS says 6', mutate: edit(MASTER, 'CHANNELS="2"', 'CHANNELS="6"') },
  { rule: 'language', when: 'LANGUAGE is gone', mutate: edit(MASTER, 'LANGUAGE="en",', '') },
  { rule: 'captions', when: 'CLOSED-CAPTIONS is gone', mutate: edit(MASTER, ',CLOSED-CAPTIONS=NONE', '') },
  {
    rule: 'accessible',
    when: 'a described rendition is not selected by itself',
    mutate: edit(
      MASTER,
      'DEFAULT=YES,AUTOSELECT=YES',
      'CHARACTERISTICS="public.accessibility.describes-video"',
    ),
  },
  {
    rule: 'rendition-order',
    when: 'the described rendition comes first',
    mutate: both(
      edit(MASTER, 'CHANNELS="2"', 'CHARACTERISTICS="public.accessibility.describes-video",CHANNELS="2"'),
      edit(MASTER, '#EXT-X-STREAM-INF', second('GROUP-ID="audio",NAME="Plain",LANGUAGE="en"')),
    ),
  },
  { rule: 'iframe-playlist', when: 'there is none', mutate: editAll(MASTER, /#EXT-X-I-FRAME.*\n/g, '') },
  { rule: 'iframes-only', when: 'the tag is gone', mutate: edit(KEYS, '#EXT-X-I-FRAMES-ONLY\n', '') },
  {
    rule: 'iframe-dense',
    when: 'pictures stand for two seconds',
    mutate: editAll(KEYS, /EXTINF:1/g, 'EXTINF:2'),
  },
  {
    rule: 'segment-length',
    when: 'segments last four seconds',
    mutate: editAll(TOP, /EXTINF:6/g, 'EXTINF:4'),
  },
  { rule: 'segment-length', when: 'one lasts a quarter', mutate: edit(TOP, 'EXTINF:2.0', 'EXTINF:0.25') },
  {
    rule: 'extinf-true',
    when: 'one is a tenth of a second off',
    mutate: edit(TOP, 'EXTINF:2.0', 'EXTINF:2.1'),
  },
  {
    rule: 'extinf-true',
    when: 'a key frame does not last until the next',
    mutate: edit(KEYS, 'EXTINF:1.0', 'EXTINF:1.1'),
  },
  { rule: 'same-target', when: 'sound has another', mutate: edit(SOUND, 'DURATION:6', 'DURATION:7') },
  {
    rule: 'same-span',
    when: 'sound ends early',
    mutate: edit(SOUND, /(?:#EXTINF.*\n#EXT-X-BYTERANGE.*\n.*\n)(?=#EXT-X-ENDLIST)/, ''),
  },
  {
    rule: 'discontinuities',
    when: 'one rung has one',
    mutate: edit(TOP, '#EXTINF:2', '#EXT-X-DISCONTINUITY\n#EXTINF:2'),
  },
  { rule: 'audio-bit-rate', when: 'stereo has 20 kbit/s', mutate: editAll(SOUND, /EXTINF:/g, 'EXTINF:1') },
];

/** Adds to the first number of an attribute. */
function offBy(name: string, bits: number): Case['mutate'] {
  return (tree) => {
    const [, value = ''] = new RegExp(`[:,]${name}=(\\d+)`).exec(bytesOf(tree, MASTER).toString()) ?? [];
    edit(MASTER, `${name}=${value}`, `${name}=${Number(value) + bits}`)(tree);
  };
}
