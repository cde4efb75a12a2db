/** `stills`: poster, thumbnails, storyboard and preview, of the rungs that the chunks left. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Encode, Task } from '../jobs/messages.ts';
import { readMediaReceipts } from '../jobs/progress.ts';
import type { Cover } from '../video/picture.ts';
import type { Plan } from '../video/plan.ts';
import { choosePoster } from '../video/poster.ts';
import { objectsOf, type Receipt, type StoredFile } from '../video/receipt.ts';
import type { Size } from '../video/size.ts';
import {
  chooseRung,
  type EncodedRung,
  PREVIEW,
  previewTiles,
  sheetsOf,
  showsKeyFrames,
  sizesFrom,
  stillPaths,
  storyboardVtt,
  thumbnailsOf,
  tilesOf,
} from '../video/stills.ts';
import {
  coverArguments,
  STILLS_TIMEOUT,
  storyboardArguments,
  thumbnailArguments,
} from '../video/stills-arguments.ts';
import { requirePlan, type TaskContext, withScratch, withSource } from './context.ts';
import { once, storeFile } from './media.ts';
import { readOutput } from './output.ts';
import { type Run, run } from './process.ts';
import { RungReader } from './rung-reader.ts';

/** Bytes of a picture's file: more than the pixels of the largest rung take as they are. */
const PICTURE_BYTES = 32 * 2 ** 20;

const pictureFiles = (files: readonly string[]) => ({ files, bytes: files.length * PICTURE_BYTES });

/** What one of the two runs made. */
interface Made {
  readonly files: StoredFile[];
  readonly cpuSeconds: number;
}

/** Runs ffmpeg. @returns CPU seconds */
async function ffmpeg(
  { signal }: TaskContext,
  how: Pick<Run, 'args' | 'reads' | 'writes' | 'read'>,
): Promise<number> {
  const { cpuSeconds } = await run({ program: 'ffmpeg', timeoutSeconds: STILLS_TIMEOUT, signal, ...how });
  return cpuSeconds;
}

/** Makes the poster in every size. @param draw has ffmpeg write a file a size, and says its CPU seconds */
async function makeThumbnails(
  context: TaskContext,
  encode: Encode,
  folder: string,
  sizes: readonly Size[],
  draw: (outputs: readonly string[]) => Promise<number>,
): Promise<Made> {
  const outputs = sizes.map(({ width }) => join(folder, `poster-${width}.jpg`));
  const cpuSeconds = await draw(outputs);
  const files = await Promise.all(
    sizes.map(async (size, index) => {
      const data = await readFile(outputs[index] ?? '');
      return { ...(await storeFile(context, encode, stillPaths.thumbnail(size.width), data)), ...size };
    }),
  );
  return { files, cpuSeconds };
}

/** Makes and stores the pictures of an encode. */
class PictureMaker {
  readonly #context: TaskContext;
  readonly #encode: Encode;
  readonly #plan: Plan;
  readonly #rungs: readonly EncodedRung[];
  readonly #folder: string;

  constructor(
    context: TaskContext,
    encode: Encode,
    plan: Plan,
    receipts: readonly Receipt[],
    folder: string,
  ) {
    this.#context = context;
    this.#encode = encode;
    this.#plan = plan;
    this.#rungs = plan.rungs.map((rung) => ({ rung, objects: objectsOf(receipts, rung.name) }));
    this.#folder = folder;
  }

  async make(): Promise<Made> {
    const { poster, store, cpuSeconds } = await this.#storyboard();
    const [thumbnails, files] = await Promise.all([this.#thumbnails(poster), store()]);
    return { files: [...thumbnails.files, ...files], cpuSeconds: cpuSeconds + thumbnails.cpuSeconds };
  }

  /** Makes sprite sheets, their index and the preview. @returns what stores them, and which slot is the poster */
  async #storyboard(): Promise<{ poster: number; cpuSeconds: number; store: () => Promise<StoredFile[]> }> {
    const encoded = this.#rungOf(({ width, height }) => Math.max(width, height) >= PREVIEW.side);
    const sizes = sizesFrom(encoded.rung);
    const tiles = tilesOf(this.#plan);
    const sheet = sheetsOf(tiles.length);
    const preview = previewTiles(tiles.length);
    const { file, numbers } = await this.#fetch(
      encoded,
      'tiles.mp4',
      tiles.map(({ shown }) => shown),
    );
    const sheets = join(this.#folder, 'sheet-%d.jpg');
    const previewFile = join(this.#folder, 'preview.webp');
    const outputs = { sheets, preview: previewFile };
    const { width, height } = sizes.measured;
    let grey: Buffer = Buffer.of();
    const sheetFiles = Array.from({ length: sheet.sheets }, (_, index) => sheets.replace('%d', `${index}`));
    const cpuSeconds = await ffmpeg(this.#context, {
      args: storyboardArguments(file, numbers, sizes, sheet, preview, outputs),
      reads: [file],
      writes: pictureFiles([...sheetFiles, ...(preview.length > 0 ? [previewFile] : [])]),
      read: async (output) => {
        grey = await readOutput(output, tiles.length * width * height);
      },
    });
    const pictures = Array.from({ length: Math.floor(grey.length / (width * height)) }, (_, index) =>
      grey.subarray(index * width * height, (index + 1) * width * height),
    );
    if (pictures.length !== tiles.length)
      throw new Error(`ffmpeg made ${pictures.length} pictures, not ${tiles.length}`);
    const store = () =>
      Promise.all([
        ...sheetFiles.map(async (path, index) => this.#store(stillPaths.sheet(index), await readFile(path))),
        this.#store(stillPaths.storyboard, Buffer.from(storyboardVtt(this.#plan, sizes.tile))),
        ...(preview.length > 0 ? [this.#storePreview(previewFile, sizes.preview)] : []),
      ]);
    return { store, cpuSeconds, poster: tiles[choosePoster(pictures, width)]?.shown ?? 0 };
  }

  async #storePreview(file: string, size: Size): Promise<StoredFile> {
    return { ...(await this.#store(stillPaths.preview, await readFile(file))), ...size };
  }

  /** The poster in every size. */
  async #thumbnails(slot: number): Promise<Made> {
    const widest = Math.max(...this.#plan.thumbnailWidths);
    const encoded = this.#rungOf(({ width }) => width >= widest);
    const sizes = thumbnailsOf(this.#plan, encoded.rung);
    const { file, numbers } = await this.#fetch(encoded, 'poster.mp4', [slot]);
    return makeThumbnails(this.#context, this.#encode, this.#folder, sizes, (outputs) => {
      const args = thumbnailArguments(file, numbers?.[0] ?? 0, sizes, outputs);
      return ffmpeg(this.#context, { args, reads: [file], writes: pictureFiles(outputs) });
    });
  }

  #rungOf(isLargeEnough: (size: Size) => boolean): EncodedRung {
    const encoded = chooseRung(this.#rungs, isLargeEnough);
    if (!encoded) throw new Error(`Revision ${this.#plan.revision} has no H.264 rung to take pictures from`);
    return encoded;
  }

  /** Fetches the frames at some slots into a file. @returns where they are in it; undefined: it has no others */
  async #fetch(
    encoded: EncodedRung,
    name: string,
    slots: readonly number[],
  ): Promise<{ file: string; numbers: number[] | undefined }> {
    const reader = new RungReader(this.#context, this.#encode, this.#plan, encoded);
    const file = join(this.#folder, name);
    if (showsKeyFrames(this.#plan)) {
      await writeFile(file, await reader.keyFrames(slots));
      return { file, numbers: undefined };
    }
    const { data, numbers } = await reader.frames(slots);
    await writeFile(file, data);
    return { file, numbers };
  }

  #store(path: string, data: Buffer): Promise<StoredFile> {
    return storeFile(this.#context, this.#encode, path, data);
  }
}

/** Makes the poster of sound alone: its cover in every size. */
async function makeCover(
  context: TaskContext,
  task: Task,
  plan: Plan,
  cover: Cover,
  folder: string,
): Promise<Made> {
  const sizes = thumbnailsOf(plan, cover);
  return makeThumbnails(context, task, folder, sizes, (outputs) =>
    withSource(context, task.video, (url) =>
      ffmpeg(context, {
        args: coverArguments(url, cover.stream, sizes, outputs),
        writes: pictureFiles(outputs),
      }),
    ),
  );
}

/** Makes an encode's pictures. */
export async function stillsTask(context: TaskContext, task: Task & { kind: 'stills' }): Promise<void> {
  const plan = await requirePlan(context, task);
  await once(context, task, plan, async () => {
    const receipts = await readMediaReceipts(context.uploads, task, plan);
    if (!receipts)
      throw new Error(`The media of ${task.video} are not complete; its pictures come too early`);
    return withScratch(context, (folder) =>
      plan.cover
        ? makeCover(context, task, plan, plan.cover, folder)
        : new PictureMaker(context, task, plan, receipts, folder).make(),
    );
  });
}
