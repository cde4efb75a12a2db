/**
 * The pictures of a video beside its stream: which there are, how large, and what each shows. They are taken from the
 * rungs once they are encoded (docs/encoding.md, "Pictures"), so a slot here is a slot of the plan's frame grid.
 */
import { z } from 'zod';
import type { Plan } from './plan.ts';
import { toNumber } from './rational.ts';
import type { MediaObject, StoredFile } from './receipt.ts';
import { even, type Size } from './size.ts';
import { timeText } from './text/webvtt.ts';

/** Where pictures lie below a revision. */
const FOLDER = 'stills/';

/** A storyboard has at most so many tiles: one every 3.6 minutes of a video of 12 hours, one a key frame up to 6:40. */
const MOST_TILES = 200;
/** A video of fewer key frames than this shows other frames too, so that hovering over ten seconds tells something. */
const LEAST_TILES = 10;
/** Tiles in a row and in a column of a sprite sheet: 25 tiles are a file of about 100 kB. */
const SHEET_SIDE = 5;
/** Pixels of a tile's longer side: what players show at their usual width. */
const TILE_SIDE = 192;

/** Pictures of the animated preview, and how long each shows, in seconds: five seconds that tell a story. */
export const PREVIEW = { frames: 10, seconds: 0.5, side: 320 } as const;

/** Pixels of the longer side of the grey pictures by which the poster is chosen. */
const MEASURED_SIDE = 96;

/** A size in proportion whose longer side is no longer than `side`; never larger than it was. */
function scaledInto({ width, height }: Size, side: number): Size {
  const scale = Math.min(1, side / Math.max(width, height));
  return { width: even(width * scale), height: even(height * scale) };
}

/** Thumbnails, widest first: the widths asked for, those above the picture's own cut down to it. The first is the poster. */
export function thumbnailsOf(plan: Pick<Plan, 'thumbnailWidths'>, picture: Size): Size[] {
  const widths = new Set(plan.thumbnailWidths.map((width) => Math.min(even(width), picture.width)));
  return [...widths]
    .sort((a, b) => b - a)
    .map((width) => ({ width, height: even((picture.height * width) / picture.width) }));
}

/** A tile of the storyboard stands for the slots [from, to) and shows one of them. */
export interface Tile {
  readonly from: number;
  readonly to: number;
  readonly shown: number;
}

type Grid = Pick<Plan, 'frames' | 'gopFrames'>;

const gopsOf = ({ frames, gopFrames }: Grid): number => Math.ceil(frames / gopFrames);

/** Whether key frames alone are enough pictures. */
export const showsKeyFrames = (plan: Grid): boolean => gopsOf(plan) >= LEAST_TILES;

/** The tiles of a storyboard, in the order of their time. Each shows the middle of its stretch, or a key frame by it. */
export function tilesOf(plan: Grid): Tile[] {
  const { frames, gopFrames } = plan;
  const byKey = showsKeyFrames(plan);
  const step = byKey
    ? Math.ceil(gopsOf(plan) / MOST_TILES) * gopFrames
    : Math.max(1, Math.ceil(frames / LEAST_TILES));
  return Array.from({ length: Math.ceil(frames / step) }, (_, index) => {
    const from = index * step;
    const to = Math.min(from + step, frames);
    const middle = Math.floor((from + to - 1) / 2);
    return { from, to, shown: byKey ? middle - (middle % gopFrames) : middle };
  });
}

/** How the tiles of a storyboard lie on its sheets. The last sheet may have black places. */
export function sheetsOf(tiles: number): { columns: number; rows: number; sheets: number } {
  const columns = Math.min(SHEET_SIDE, tiles);
  const rows = Math.min(SHEET_SIDE, Math.ceil(tiles / columns));
  return { columns, rows, sheets: Math.ceil(tiles / (columns * rows)) };
}

/** Of a number of tiles the ones that the preview shows, evenly spread; none where they would not move. */
export function previewTiles(tiles: number): number[] {
  const count = Math.min(PREVIEW.frames, tiles);
  if (count < 2) return [];
  return Array.from({ length: count }, (_, index) => Math.floor(((index + 0.5) * tiles) / count));
}

/** The sizes of everything that is made of one rung. */
export const sizesFrom = (rung: Size): { tile: Size; preview: Size; measured: Size } => ({
  tile: scaledInto(rung, TILE_SIDE),
  preview: scaledInto(rung, PREVIEW.side),
  measured: scaledInto(rung, MEASURED_SIDE),
});

/** Paths below the revision. */
export const stillPaths = {
  thumbnail: (width: number) => `${FOLDER}poster-${width}.jpg`,
  sheet: (index: number) => `${FOLDER}${sheetName(index)}`,
  storyboard: `${FOLDER}storyboard.vtt`,
  preview: `${FOLDER}preview.webp`,
} as const;

const sheetName = (index: number): string => `sprite-${String(index).padStart(2, '0')}.jpg`;

/** The storyboard as players read it: a cue a tile, whose text is a media fragment of a sheet (`#xywh`, W3C media-frags). */
export function storyboardVtt(plan: Grid & Pick<Plan, 'rate'>, tile: Size): string {
  const tiles = tilesOf(plan);
  const { columns, rows } = sheetsOf(tiles.length);
  const at = (slot: number) => timeText(Math.round((slot * 1000) / toNumber(plan.rate)));
  const cues = tiles.map(({ from, to }, index) => {
    const place = index % (columns * rows);
    const [x, y] = [(place % columns) * tile.width, Math.floor(place / columns) * tile.height];
    const sheet = sheetName(Math.floor(index / (columns * rows)));
    return `${at(from)} --> ${at(to)}\n${sheet}#xywh=${x},${y},${tile.width},${tile.height}\n`;
  });
  return ['WEBVTT\n', ...cues].join('\n');
}

/** A rung of the picture and what was encoded of it. */
export interface EncodedRung {
  readonly rung: Plan['rungs'][number];
  readonly objects: readonly MediaObject[];
}

/**
 * The rung that pictures are taken from: the smallest that is large enough, else the largest. Of the H.264 ones, which
 * are in every ladder (`codecs`) and SDR.
 */
export function chooseRung(
  rungs: readonly EncodedRung[],
  isLargeEnough: (size: Size) => boolean,
): EncodedRung | undefined {
  const usable = rungs
    .filter(({ rung }) => rung.codec === 'h264')
    .toSorted((a, b) => a.rung.width - b.rung.width);
  return usable.find(({ rung }) => isLargeEnough(rung)) ?? usable.at(-1);
}

export const pictureFileSchema = z.object({
  path: z.string(),
  /** Pixels. */
  width: z.int().positive(),
  height: z.int().positive(),
});

export type PictureFile = Readonly<z.infer<typeof pictureFileSchema>>;

/** What a page needs to know of the pictures; paths are relative to `video.json`. */
export const picturesSchema = z.object({
  /** The owner's own, or the largest thumbnail. */
  poster: pictureFileSchema.optional(),
  /** JPEG, widest first. */
  thumbnails: z.array(pictureFileSchema).default([]),
  /** WebVTT whose cues are tiles of sprite sheets. */
  storyboard: z.string().optional(),
  /** Animated WebP. */
  preview: pictureFileSchema.optional(),
});
export type Pictures = z.infer<typeof picturesSchema>;

/**
 * The pictures among the files of a revision.
 * @param base path from `video.json` to the revision's folder, with a slash at its end
 */
export function picturesAmong(files: readonly StoredFile[], base: string): Pictures {
  const pictures = files.flatMap(({ path, width, height }) =>
    width !== undefined && height !== undefined ? [{ path: `${base}${path}`, width, height }] : [],
  );
  const named = (path: string) => (picture: { path: string }) => picture.path.startsWith(`${base}${path}`);
  const thumbnails = pictures.filter(named(`${FOLDER}poster-`));
  const [poster] = thumbnails;
  const preview = pictures.find(named(stillPaths.preview));
  const storyboard = files.find(({ path }) => path === stillPaths.storyboard);
  return {
    ...(poster && { poster }),
    thumbnails,
    ...(storyboard && { storyboard: `${base}${storyboard.path}` }),
    ...(preview && { preview }),
  };
}
