/** Files that want something opened: each names the canary's file or address in the way of its format. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { makeBox } from '../../video/boxes.ts';
import { withBox } from './boxes.ts';
import { ffmpeg } from './media.ts';

/** What must not be opened: a video as a file, and the same under an address. */
export interface Canary {
  readonly file: string;
  readonly url: string;
}

export interface Malicious {
  readonly name: string;
  /** What becomes of it: some are videos all the same. */
  readonly ends: 'refused' | 'planned';
  readonly make: (canary: Canary, folder: string) => string | Buffer | Promise<Buffer>;
}

const playlist = (...lines: readonly string[]) =>
  ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-TARGETDURATION:9', ...lines, '#EXT-X-ENDLIST', ''].join('\n');
const segment = (uri: string) => playlist('#EXTINF:2,', uri);
const mpd = (base: string, entity = '') =>
  `<?xml version="1.0"?>${entity}<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" type="static" mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${base}</BaseURL><SegmentList><SegmentURL media="${base}"/></SegmentList></Representation></AdaptationSet></Period></MPD>`;

/** A video of a second, in a container that its name tells. */
async function video(folder: string, name: string, ...args: readonly string[]): Promise<Buffer> {
  const file = join(folder, name);
  const picture = 'testsrc2=size=64x64:duration=1,format=yuv420p';
  await ffmpeg('-f', 'lavfi', '-i', picture, ...args, file);
  return readFile(file);
}

/** Bytes of numbers of 16 bits, highest first. */
const words = (...numbers: readonly number[]) =>
  Buffer.from(numbers.flatMap((number) => [number >> 8, number & 255]));

/** A QuickTime alias record that names an absolute path (as ffmpeg's `mov_read_dref` reads them). */
function alias(path: string): Buffer {
  const text = Buffer.from(path.length % 2 ? `${path}\0` : path);
  const name = Buffer.alloc(64);
  name.write('\x06canary', 'latin1');
  const fixed = [Buffer.alloc(10), Buffer.alloc(28), Buffer.alloc(12), name, Buffer.alloc(16)];
  const tail = [words(1, 1), Buffer.alloc(16), words(2, text.length), text, words(0xffff, 0)];
  return makeBox('alis', Buffer.alloc(4), ...fixed, ...tail);
}

/** A movie whose media lies in another file. */
const elsewhere = (reference: Buffer) => async (_: Canary, folder: string) => {
  const movie = await video(folder, 'dref.mov');
  const count = Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]);
  return withBox(movie, 'moov/trak/mdia/minf/dinf/dref', () => Buffer.concat([count, reference]));
};

/** A RIFF chunk. */
function riff(type: string, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.write(type, 0, 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body, Buffer.alloc(body.length % 2)]);
}

/** An AVI file whose subtitles, in a packet of the kind GAB2, are something else. */
function gab2(subtitles: string): Buffer {
  const header = Buffer.alloc(56);
  header.write('txts', 0, 'latin1');
  header.writeUInt32LE(1, 20);
  header.writeUInt32LE(1, 24);
  header.writeUInt32LE(1, 32);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(subtitles.length);
  const packet = [Buffer.from('GAB2\0\x02\0\0\0\0\0\x04\0', 'latin1'), length, Buffer.from(subtitles)];
  const streams = riff('LIST', Buffer.from('strl'), riff('strh', header), riff('strf', Buffer.alloc(40)));
  const main = Buffer.alloc(56);
  main.writeUInt32LE(1, 24);
  return riff(
    'RIFF',
    Buffer.from('AVI '),
    riff('LIST', Buffer.from('hdrl'), riff('avih', main), streams),
    riff('LIST', Buffer.from('movi'), riff('00tx', ...packet)),
  );
}

/** An ID3v2 tag that is nothing but a comment: whatever follows is looked at as if it came first. */
const ID3 = Buffer.from(`4944330300000000000a${'00'.repeat(10)}`, 'hex');

/** An EBML element of Matroska, from its id in hexadecimal. */
function ebml(id: string, ...content: readonly (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)));
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(body.length) | (1n << 56n));
  return Buffer.concat([Buffer.from(id, 'hex'), size, body]);
}

/** A Matroska segment that continues in other files: linked by name (NextFilename) and by an ordered chapter. */
function linkedSegment(file: string): Buffer {
  const uid = Buffer.alloc(16, 7);
  const header = ebml('1a45dfa3', ebml('4282', 'matroska'));
  const info = ebml('1549a966', ebml('73a4', uid), ebml('3eb923', uid), ebml('3e83bb', file));
  const atom = ebml('b6', ebml('73c4', Buffer.of(1)), ebml('91', Buffer.of(0)), ebml('6e67', uid));
  const chapters = ebml('1043a770', ebml('45b9', ebml('45dd', Buffer.of(1)), atom));
  return Buffer.concat([header, ebml('18538067', info, chapters)]);
}

const text = (name: string, make: (canary: Canary) => string): Malicious => ({ name, ends: 'refused', make });

export const MALICIOUS: readonly Malicious[] = [
  // Playlists.
  text('HLS: a segment by path', ({ file }) => segment(file)),
  text('HLS: a segment by file URL', ({ file }) => segment(`file://${file}`)),
  text('HLS: a segment by address', ({ url }) => segment(url)),
  text('HLS: a segment beside the source', () => segment('canary.mp4')),
  text('HLS: a key', ({ url }) => playlist(`#EXT-X-KEY:METHOD=AES-128,URI="${url}"`, '#EXTINF:2,', url)),
  text('HLS: an init segment', ({ url }) => playlist(`#EXT-X-MAP:URI="${url}"`, '#EXTINF:2,', url)),
  text('HLS: a master', ({ url }) => `#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n${url}\n`),
  text('HLS: through concat:', ({ file, url }) => segment(`concat:${url}|${file}`)),
  text('HLS: through subfile:', ({ file }) => segment(`subfile,,start,0,end,99,,:${file}`)),
  text('HLS: through crypto+', ({ url }) => segment(`crypto+${url}`)),
  text('HLS: through async:cache:', ({ url }) => segment(`async:cache:${url}`)),
  text('HLS: through gopher', ({ url }) => segment(url.replace('http', 'gopher'))),
  text('HLS: through ftp', ({ url }) => segment(url.replace('http', 'ftp'))),
  text('HLS: through udp', ({ url }) => segment(url.replace('http', 'udp'))),
  text('HLS: a playlist within a data URL', ({ url }) =>
    segment(`data:text/plain;base64,${Buffer.from(segment(url)).toString('base64')}`),
  ),
  {
    name: 'HLS: behind an ID3 tag',
    ends: 'refused',
    make: ({ url }) => Buffer.concat([ID3, Buffer.from(segment(url))]),
  },
  {
    name: 'HLS: within gzip',
    ends: 'refused',
    make: ({ url }) => gzipSync(segment(url)),
  },
  {
    name: 'HLS: behind the first box of an MP4 file',
    ends: 'refused',
    make: ({ url }) =>
      Buffer.concat([makeBox('ftyp', Buffer.from('isom\0\0\0\0isom')), Buffer.from(segment(url))]),
  },
  { name: 'HLS: as the subtitles of an AVI file', ends: 'refused', make: ({ url }) => gab2(segment(url)) },
  // Lists and scripts.
  text('concat: a file', ({ file }) => `ffconcat version 1.0\nfile '${file}'\n`),
  text('concat: an address', ({ url }) => `ffconcat version 1.0\nfile '${url}'\n`),
  text('concat: with options', ({ file }) => `ffconcat version 1.0\nfile '${file}'\noption safe 0\n`),
  text('concat: without a header', ({ file }) => `file '${file}'\n`),
  text('ASX', ({ url }) => `<asx version="3.0"><entry><ref href="${url}"/></entry></asx>`),
  text('PLS', ({ url }) => `[playlist]\nFile1=${url}\nNumberOfEntries=1\n`),
  text('SMIL', ({ url }) => `<smil><body><video src="${url}"/></body></smil>`),
  text('RealMedia link', ({ url }) => `${url}\n`),
  text(
    'QuickTime media link',
    ({ url }) =>
      `<?xml version="1.0"?><?quicktime type="application/x-quicktime-media-link"?><embed src="${url}"/>`,
  ),
  text('RTSP text', ({ url }) => `RTSPtext\n${url.replace('http', 'rtsp')}\n`),
  text('Avisynth', ({ file }) => `DirectShowSource("${file}")\n`),
  text('VapourSynth', ({ file }) => `import vapoursynth\nopen('${file}')\n`),
  text('filter graph', ({ file }) => `movie=${file}\n`),
  text(
    'SDP',
    ({ url }) =>
      `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${new URL(url).port} RTP/AVP 96\na=rtpmap:96 H264/90000\n`,
  ),
  // XML.
  text('DASH: a file', ({ file }) => mpd(`file://${file}`)),
  text('DASH: an address', ({ url }) => mpd(url)),
  text('DASH: an external entity', ({ file }) =>
    mpd('&x;', `<!DOCTYPE MPD [<!ENTITY x SYSTEM "file://${file}">]>`),
  ),
  text(
    'IMF composition',
    ({ file }) =>
      `<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>urn:uuid:1</Id><ContentTitle>${file}</ContentTitle></CompositionPlaylist>`,
  ),
  text(
    'Smooth Streaming',
    ({ url }) => `<SmoothStreamingMedia><StreamIndex Url="${url}"/></SmoothStreamingMedia>`,
  ),
  text(
    'SVG: a picture',
    ({ file }) =>
      `<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file://${file}"/></svg>`,
  ),
  text(
    'SVG: an external entity',
    ({ file }) =>
      `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file://${file}">]><svg xmlns="http://www.w3.org/2000/svg"><text>&x;</text></svg>`,
  ),
  // Subtitles.
  text('MicroDVD', ({ file }) => `{1}{1}25\n{1}{9}{f:${file}}text\n{10}{20}text\n`),
  text('VobSub index', ({ file }) => `# VobSub index file, v7\nsize: 720x576\nid: en, index: 0\n${file}\n`),
  text('SRT with a picture', ({ url }) => `1\n00:00:00,000 --> 00:00:02,000\n<img src="${url}">\n`),
  text(
    'ASS with a font',
    ({ file }) =>
      `[Script Info]\nScriptType: v4.00+\n[Fonts]\nfontname: ${file}\n[Events]\nDialogue: 0,0:00:00.00,0:00:02.00,Default,,0,0,0,,{\\img(${file})}x\n`,
  ),
  text('ffmetadata', ({ file }) => `;FFMETADATA1\ntitle=${file}\n`),
  // Containers that name other files.
  {
    name: 'QuickTime: the media in another file, by path',
    ends: 'refused',
    make: (canary, folder) => elsewhere(alias(canary.file))(canary, folder),
  },
  {
    name: 'MP4: the media at another address',
    ends: 'planned', // ffmpeg takes no notice of it, and reads what the file has itself
    make: (canary, folder) =>
      elsewhere(makeBox('url ', Buffer.alloc(4), Buffer.from(`${canary.url}\0`)))(canary, folder),
  },
  {
    name: 'QuickTime: a reference movie',
    ends: 'refused',
    make: ({ url }) => {
      const reference = makeBox(
        'rdrf',
        Buffer.alloc(4),
        Buffer.from('url '),
        words(0, url.length + 1),
        Buffer.from(`${url}\0`),
      );
      return makeBox('moov', makeBox('rmra', makeBox('rmda', reference)));
    },
  },
  {
    name: 'Matroska: segments linked by file name and ordered chapter',
    ends: 'refused',
    make: ({ file }) => linkedSegment(file),
  },
  {
    name: 'Matroska: a playlist attached, and subtitles that name a font',
    ends: 'planned',
    make: async ({ url, file }, folder) => {
      const [attached, subtitles] = [join(folder, 'list.m3u8'), join(folder, 'font.srt')];
      await writeFile(attached, segment(url));
      await writeFile(subtitles, `1\n00:00:00,000 --> 00:00:01,000\n<font face="${file}">x</font>\n`);
      const attach = ['-attach', attached, '-metadata:s:t', 'mimetype=application/x-truetype-font'];
      return video(
        folder,
        'attached.mkv',
        '-i',
        subtitles,
        '-map',
        '0',
        '-map',
        '1',
        '-c:s',
        'ass',
        ...attach,
      );
    },
  },
  {
    name: 'Ogg: a cover by address',
    ends: 'planned',
    make: async ({ url }, folder) =>
      video(folder, 'cover.ogg', '-c:v', 'libvpx', '-metadata', `COVERART=${url}`),
  },
  { name: 'Flash: a movie that loads another', ends: 'refused', make: ({ url }) => `FWS\x05\0\0\0\0${url}` },
  { name: 'ZIP archive', ends: 'refused', make: ({ file }) => `PK\x03\x04${file}` },
];
