/**
 * The command lines of ffmpeg and ffprobe, as pure functions of the plan. Measured reasons for every flag stand in
 * docs/encoding.md.
 */
import { SAY_PROGRESS } from './encoded-frames.ts';
import { encoderArguments } from './encoders.ts';
import type { Rung } from './ladder.ts';
import type { Picture } from './picture.ts';
import {
  hdrFilters,
  pictureFilters,
  restFilters,
  SCALER,
  type Shown,
  timeFilters,
} from './picture-filters.ts';
import { type Chunk, durationOf, type Plan, pictureOf, timescaleOf } from './plan.ts';
import { toNumber, toText } from './rational.ts';
import { MAX_PIXELS } from './settings.ts';
import { workPerSecond } from './work.ts';

/** What ffmpeg may open: our loopback proxy and its own pipes, nothing that a source could name (DESIGN, idea 7). */
export const PROTOCOLS = 'http,tcp,pipe';

/** Containers that hold their media themselves. Playlists, concat scripts and picture lists are not among them. */
export const DEMUXERS = [
  ...[
    'mov',
    'matroska',
    'avi',
    'mpegts',
    'mpeg',
    'mpegvideo',
    'flv',
    'asf',
    'ogg',
    'mxf',
    'rm',
    'gif',
    'ivf',
  ],
  ...['nut', 'wtv', 'dv', 'h264', 'hevc', 'm4v', 'av1', 'obu', 'vc1', 'yuv4mpegpipe', 'gxf', 'nsv'],
  ...['aac', 'ac3', 'aiff', 'flac', 'mp3', 'wav', 'w64', 'amr', 'eac3', 'caf', 'dts', 'truehd', 'au'],
].join(',');

/** Opens a source safely. It comes by HTTP from the worker's own proxy, so seeking works by byte range. */
export const input = (url: string): string[] => [
  ...['-protocol_whitelist', PROTOCOLS, '-format_whitelist', DEMUXERS, '-max_pixels', `${MAX_PIXELS}`],
  ...['-seekable', '1', '-i', url],
];

/** ffprobe for `ffprobeSchema`. */
export function probeArguments(url: string): string[] {
  return ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', '-show_chapters', ...input(url)];
}

/** ffprobe for `PacketReader`: one line a packet. */
export function packetArguments(url: string, stream: number): string[] {
  const wanted = 'packet=pts,dts,duration,flags:packet_side_data=side_data_type';
  const entries = ['-show_entries', wanted, '-of', 'csv=p=0'];
  return ['-v', 'error', '-select_streams', `${stream}`, ...entries, ...input(url)];
}

/** ffprobe for `SpanReader` and `SoundEndReader`: one line a packet of any audio track. */
export function soundPacketArguments(url: string): string[] {
  const wanted = 'packet=pts_time,dts_time,duration_time,flags:packet_side_data=side_data_type';
  return ['-v', 'error', '-select_streams', 'a', '-show_entries', wanted, '-of', 'csv=p=0', ...input(url)];
}

/** What every run of ffmpeg begins with: it says what `run` reads, and nothing else. */
export const QUIET = ['-nostdin', '-hide_banner', '-nostats', '-v', 'level+info', '-benchmark'];

/** What every run that decodes a source begins with. */
export const COMMON = [
  ...[...QUIET, '-y'],
  // However little of a source can be decoded, it is; without this, ffmpeg fails where it is less than a third.
  ...['-max_error_rate', '1'],
];

/** Frames as they are stored: what the display matrix says is done by the plan's filters, once. */
const decoding = ({ stream, decoder }: Pick<Picture, 'stream' | 'decoder'>): string[] => [
  '-noautorotate',
  ...(decoder === undefined ? [] : [`-c:${stream}`, decoder]),
];

/** Frames in which the fields of a picture are looked for, from each of a few places. */
const SCANNED_FRAMES = 75;

/** ffmpeg for `ScanReader`: what idet sees in a stretch that begins so many seconds after the beginning. */
export function scanArguments(url: string, stream: number, after: number): string[] {
  const filter = ['-vf', 'idet,metadata=mode=print:file=-', '-frames:v', `${SCANNED_FRAMES}`];
  const from = after > 0 ? ['-ss', after.toFixed(3)] : [];
  const output = ['-map', `0:${stream}`, ...filter, '-f', 'null', '-'];
  return [...COMMON, '-copyts', ...from, '-threads', '1', '-noautorotate', ...input(url), ...output];
}

/** ffprobe for `lightSchema`: the first frame of a stream, and what it says of its light. */
export function frameArguments(url: string, stream: number): string[] {
  const first = ['-select_streams', `${stream}`, '-read_intervals', '%+#1', '-show_frames'];
  return ['-v', 'error', ...first, '-of', 'json', ...input(url)];
}

/** ffmpeg decoding one picture of a stream, to nowhere: fails where there is none. */
export function decodeTestArguments(url: string, stream: number): string[] {
  const output = ['-map', `0:${stream}`, '-frames:v', '1', '-f', 'null', '-'];
  return [...COMMON, '-threads', '1', ...input(url), ...output];
}

/** A rung and the label under which its pictures come. */
type Labelled = Rung & { readonly label: string };

/**
 * Every size of the rungs, scaled from the one above and handed to each codec that has it.
 * @param name of the labels between the sizes
 * @param toLargest filters that make a picture of the largest size
 */
function cascade(
  from: string,
  name: string,
  rungs: readonly Labelled[],
  toLargest: readonly string[],
): string[] {
  const sizes = [...Map.groupBy(rungs, ({ width, height }) => `${width}:${height}`)];
  return sizes.map(([size, users], index) => {
    const next = index === sizes.length - 1 ? [] : [`[${name}${index + 1}]`];
    const labels = [...users.map(({ label }) => label), ...next];
    const split = labels.length > 1 ? `,split=${labels.length}` : '';
    const scaled =
      index === 0 ? `${from}${toLargest.join(',')}` : `[${name}${index}]scale=${size}:${SCALER},setsar=1`;
    return `${scaled}${split}${labels.join('')}`;
  });
}

/** From one stream of pictures to every rung: those of standard range, and beside them those that keep a high one. */
function rungsFrom(pictures: string, picture: Shown, rungs: readonly Rung[]): string[] {
  const outputs = rungs.map((rung, index) => ({ ...rung, label: `[v${index}]` }));
  const standard = outputs.filter(({ hdr }) => !hdr);
  const high = outputs.filter(({ hdr }) => hdr);
  const [largest] = high;
  const size = { width: 2, height: 2, ...standard[0] }; // every ladder begins with H.264
  if (!largest?.hdr) return cascade(`${pictures},`, 's', standard, pictureFilters(picture, size));
  return [
    `${pictures},split[standard][high]`,
    ...cascade('[standard]', 's', standard, pictureFilters(picture, size)),
    ...cascade('[high]', 'h', high, hdrFilters(picture, largest, largest.hdr)),
  ];
}

/**
 * One decode, one split, a scale cascade: the picture is laid on the plan's grid, cut to the chunk, and every size
 * is scaled from the one above. Labels `[v0]`, `[v1]`, ... are the rungs.
 */
export function filterGraph(plan: Plan, chunk: Chunk): string {
  const picture = pictureOf(plan);
  const rate = toText(plan.rate);
  const start = (chunk.from - plan.gopFrames) / toNumber(plan.rate);
  const grid = [
    `[0:${picture.stream}]${timeFilters(picture).join(',')}`,
    ...restFilters(picture, plan.rate, chunk.from),
    `fps=${rate}:start_time=${start}:round=near`,
    // A source that ends early (its tail is damaged) keeps its last picture, so that every rung keeps its length.
    'tpad=stop=-1:stop_mode=clone',
    `trim=start_pts=${chunk.from}:end_pts=${chunk.to}`,
  ].join(',');
  return rungsFrom(grid, picture, plan.rungs).join(';');
}

/** The same bytes from every worker: no tags, no dates, no encoder's name. */
export const EXACT = [
  ...['-map_metadata', '-1', '-map_chapters', '-1'],
  ...['-fflags', '+bitexact', '-flags', '+bitexact'],
];

/** The fragmented MP4 of a rung, from its label of `rungsFrom`. @param index in the plan's order */
export function rungArguments(plan: Plan, rung: Rung, index: number, output: string): string[] {
  const { timescale } = timescaleOf(plan.rate);
  return [
    ...['-map', `[v${index}]`, ...encoderArguments(plan, rung)],
    ...EXACT,
    ...['-video_track_timescale', `${timescale}`, '-use_editlist', '0', '-f', 'mp4', '-movflags'],
    '+cmaf+frag_keyframe+empty_moov+default_base_moof+frag_discont+negative_cts_offsets+skip_trailer',
    output,
  ];
}

const ladderArguments = (plan: Plan, outputs: readonly string[]): string[] =>
  plan.rungs.flatMap((rung, index) => rungArguments(plan, rung, index, outputs[index] ?? ''));

/** What every run that decodes a chunk begins with: the source, from where that must begin. */
export function chunkInput(plan: Plan, chunk: Chunk, url: string): string[] {
  const { timeBase, lastPts, preroll } = pictureOf(plan);
  const wanted = chunk.from / toNumber(plan.rate) + plan.origin;
  const last = lastPts === undefined ? wanted : lastPts * toNumber(timeBase);
  const seek = Math.min(wanted, last) - plan.source.containerStart - preroll;
  return [
    ...COMMON,
    ...SAY_PROGRESS,
    ...['-copyts', '-noaccurate_seek', ...(seek > 0 ? ['-ss', seek.toFixed(6)] : [])],
    // No -to: with -noaccurate_seek ffmpeg counts it from the key frame that it found, however far back that lies.
    // `trim` ends the outputs, and with them the run.
    ...['-threads', '1', ...decoding(pictureOf(plan)), ...input(url)],
  ];
}

/**
 * ffmpeg for one chunk: writes one fragmented MP4 a rung, each GOP one fragment, decode times counted from the
 * video's first frame.
 * @param outputs a file a rung, in the plan's order
 */
export const chunkArguments = (
  plan: Plan,
  chunk: Chunk,
  url: string,
  outputs: readonly string[],
): string[] => [
  ...chunkInput(plan, chunk, url),
  ...['-filter_complex_threads', '1', '-filter_complex', filterGraph(plan, chunk)],
  ...ladderArguments(plan, outputs),
];

/** ffmpeg for a chunk of which no picture can be decoded: as `chunkArguments`, but black. */
export function blackChunkArguments(plan: Plan, chunk: Chunk, outputs: readonly string[]): string[] {
  const { width, height } = plan.rungs[0] ?? pictureOf(plan);
  const black = `color=black:size=${width}x${height}:rate=${toText(plan.rate)},setpts=N+${chunk.from},trim=end_pts=${chunk.to}`;
  return [
    ...COMMON,
    ...[
      '-copyts',
      '-filter_complex_threads',
      '1',
      '-filter_complex',
      rungsFrom(black, {}, plan.rungs).join(';'),
    ],
    ...ladderArguments(plan, outputs),
  ];
}

/**
 * Seconds after which a chunk's ffmpeg is stuck: a minute to start, and sixty times real time, or ten times what it
 * should need on a core of its own.
 */
export const chunkTimeout = (plan: Plan, chunk: Chunk): number =>
  60 +
  Math.max(60, 10 * workPerSecond(plan)) * durationOf({ rate: plan.rate, frames: chunk.to - chunk.from });
