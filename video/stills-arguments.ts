/** The command lines of ffmpeg that make a video's pictures, from pictures that were encoded already. */
import { EXACT, QUIET, input as sourceInput } from './ffmpeg-arguments.ts';
import { SCALER } from './picture-filters.ts';
import type { Size } from './size.ts';
import { PREVIEW } from './stills.ts';

/** The one file that is read lies in the worker's scratch folder, and is our own encode. */
const input = (file: string): string[] => ['-protocol_whitelist', 'file', '-f', 'mov', '-i', file];

const COMMON = [...QUIET, '-y', '-threads', '1'];

/** Every frame that comes, once, and the same bytes on every worker. */
const OUTPUT = ['-threads', '1', '-fps_mode', 'passthrough', ...EXACT];

const scale = ({ width, height }: Size): string => `scale=${width}:${height}:${SCALER}`;

/**
 * JPEG is always full range and BT.601 (JFIF 1.02), WebP limited range and BT.601; video is BT.709 with limited range.
 * By way of RGB, for straight from one YUV to the other some bars of a test picture were three levels off.
 */
const jpegPicture = (size: Size): string =>
  `${scale(size)},format=gbrp,scale=out_color_matrix=bt601:out_range=pc:${SCALER},format=yuvj420p`;
const webpPicture = (size: Size): string =>
  `${scale(size)},format=gbrp,scale=out_color_matrix=bt601:out_range=tv:${SCALER},format=yuv420p`;

/** Sprite sheets: small, because hovering loads them; posters are looked at. mjpeg's scale, where 2 is best. */
const JPEG_QUALITY = { sheet: 6, thumbnail: 4 } as const;
/** libwebp's scale, where 100 is best. */
const WEBP_QUALITY = 60;

const jpeg = (quality: number): string[] => [
  '-c:v',
  'mjpeg',
  '-q:v',
  `${quality}`,
  '-huffman',
  'optimal',
  ...OUTPUT,
];

/** `select` for some of the frames, by their number. */
const select = (frames: readonly number[]): string =>
  `select='${frames.map((frame) => `eq(n,${frame})`).join('+')}'`;

/**
 * ffmpeg for the storyboard and the preview, in one run that decodes once. Standard output is a grey picture a tile, by
 * which the poster is chosen.
 * @param tiles numbers of the frames in the file that are tiles; undefined where all are
 * @param preview numbers of the tiles that the preview shows
 */
export function storyboardArguments(
  file: string,
  tiles: readonly number[] | undefined,
  sizes: { readonly tile: Size; readonly preview: Size; readonly measured: Size },
  sheet: { readonly columns: number; readonly rows: number },
  preview: readonly number[],
  outputs: { readonly sheets: string; readonly preview: string },
): string[] {
  const chosen = tiles === undefined ? '' : `${select(tiles)},`;
  const moves = preview.length > 0;
  const graph = [
    `[0:v]${chosen}split=${moves ? 3 : 2}[tile][measured]${moves ? '[preview]' : ''}`,
    `[tile]${jpegPicture(sizes.tile)},tile=${sheet.columns}x${sheet.rows}[sheets]`,
    `[measured]${scale(sizes.measured)},format=gray[grey]`,
    ...(moves
      ? [
          `[preview]${select(preview)},${webpPicture(sizes.preview)},settb=1/1000,setpts=N*${PREVIEW.seconds * 1000}[moving]`,
        ]
      : []),
  ].join(';');
  const webp = [
    ...['-c:v', 'libwebp_anim', '-quality', `${WEBP_QUALITY}`, '-loop', '0', ...OUTPUT],
    ...['-f', 'webp', outputs.preview],
  ];
  return [
    ...[...COMMON, ...input(file), '-filter_complex_threads', '1', '-filter_complex', graph],
    ...[
      '-map',
      '[sheets]',
      ...jpeg(JPEG_QUALITY.sheet),
      '-start_number',
      '0',
      '-f',
      'image2',
      outputs.sheets,
    ],
    ...['-map', '[grey]', ...OUTPUT, '-f', 'rawvideo', 'pipe:1'],
    ...(moves ? ['-map', '[moving]', ...webp] : []),
  ];
}

/**
 * ffmpeg for the thumbnails of a cover inside the source.
 * @param outputs a file a size
 */
export function coverArguments(
  url: string,
  stream: number,
  thumbnails: readonly Size[],
  outputs: readonly string[],
): string[] {
  const source = [...COMMON, ...sourceInput(url)];
  return [...source, ...thumbnailOutputs(`[0:${stream}]`, thumbnails, outputs)];
}

/**
 * ffmpeg for the thumbnails of one frame.
 * @param frame its number in the file
 * @param outputs a file a size
 */
export function thumbnailArguments(
  file: string,
  frame: number,
  thumbnails: readonly Size[],
  outputs: readonly string[],
): string[] {
  return [
    ...[...COMMON, ...input(file)],
    ...thumbnailOutputs(`[0:v]${select([frame])},`, thumbnails, outputs),
  ];
}

/** One frame in several sizes. @param from the graph's beginning, up to the split */
function thumbnailOutputs(from: string, thumbnails: readonly Size[], outputs: readonly string[]): string[] {
  const labels = thumbnails.map((_, index) => `[t${index}]`).join('');
  const graph = [
    `${from}split=${thumbnails.length}${labels}`,
    ...thumbnails.map((size, index) => `[t${index}]${jpegPicture(size)}[o${index}]`),
  ].join(';');
  return [
    ...['-filter_complex_threads', '1', '-filter_complex', graph],
    ...thumbnails.flatMap((_, index) => [
      ...[
        '-map',
        `[o${index}]`,
        ...jpeg(JPEG_QUALITY.thumbnail),
        '-frames:v',
        '1',
        '-f',
        'image2',
        '-update',
        '1',
      ],
      outputs[index] ?? '',
    ]),
  ];
}

/** Seconds after which either run is stuck: it decodes a few hundred small pictures at most. */
export const STILLS_TIMEOUT = 120;
