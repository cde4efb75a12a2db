/**
 * The uploader that Uppy's core works with: files go by the platform's own client, in parallel parts, and are paused,
 * resumed and tried again part by part (docs/decisions/0012).
 */
import { BasePlugin, type PluginOpts, type Uppy } from '@uppy/core';
import { type Body, type Meta, TaskQueue, type UppyFile } from '@uppy/core/utils';
import { watchPath } from '../shared/addresses.ts';
import { client, isGone } from '../shared/session.ts';
import { putTellingProgress } from './put.ts';
import { forget, remember, rememberedFor, whileSending } from './remembered.ts';

/** Files at once. Parts that are more than a browser opens connections to one host wait in the browser. */
const FILES_AT_ONCE = 2;

/** The media type, where a browser tells one that is a video's or a sound's: it goes by file names, and knows few. */
const typeOf = ({ type }: File): string =>
  /^(video|audio)\//.test(type) ? type : 'application/octet-stream';

export class Uploader<M extends Meta, B extends Body> extends BasePlugin<PluginOpts, M, B> {
  readonly #queue = new TaskQueue({ concurrency: FILES_AT_ONCE });
  /** Stops an attempt, by the file's id. */
  readonly #attempts = new Map<string, AbortController>();
  /** Goes on with a file that is paused, by its id. */
  readonly #paused = new Map<string, () => void>();

  constructor(uppy: Uppy<M, B>, options?: PluginOpts) {
    super(uppy, options);
    this.type = 'uploader';
    this.id = 'SpotreelUploader';
  }

  override install(): void {
    const { capabilities } = this.uppy.getState();
    this.uppy.setState({ capabilities: { ...capabilities, resumableUploads: true } });
    this.uppy.addUploader(async (ids) => {
      await Promise.all(ids.map((id) => this.#send(id)));
    });
    this.uppy.on('upload-pause', (file, isPaused) => {
      if (!file) return;
      if (isPaused) this.#attempts.get(file.id)?.abort();
      else this.#paused.get(file.id)?.();
    });
    this.uppy.on('file-removed', (file) => {
      this.#attempts.get(file.id)?.abort();
      this.#paused.get(file.id)?.();
      if (!file.progress.uploadComplete) void this.#drop(file);
    });
  }

  /** The file while Uppy has it. */
  #file(id: string): UppyFile<M, B> | undefined {
    return this.uppy.getFiles().find((file) => file.id === id);
  }

  /** Sends a file to its end: it is there, was removed, or failed. */
  async #send(id: string): Promise<void> {
    for (;;) {
      await this.#queue.add(() => this.#attempt(id));
      if (!this.#file(id)?.isPaused) return;
      await new Promise<void>((resume) => this.#paused.set(id, resume));
      this.#paused.delete(id);
    }
  }

  async #attempt(id: string): Promise<void> {
    const file = this.#file(id);
    if (!(file?.data instanceof File) || file.isPaused) return;
    this.uppy.emit('upload-start', [file]);
    const stop = new AbortController();
    this.#attempts.set(id, stop);
    try {
      const video = await this.#bring(file, file.data, stop.signal);
      this.uppy.emit('upload-success', file, { status: 200, uploadURL: watchPath(video) });
    } catch (error) {
      if (stop.signal.aborted) return;
      this.uppy.emit('upload-error', file, error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#attempts.delete(id);
    }
  }

  /** Brings a file to the platform, from where it was left, and says its video's id. */
  async #bring(file: UppyFile<M, B>, data: File, signal: AbortSignal): Promise<string> {
    const known = await rememberedFor(data);
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    try {
      const { id } = await client().upload(data, {
        ...(known && { resume: known.id }),
        type: typeOf(data),
        put: putTellingProgress,
        signal,
        onCreated: async ({ id }) => {
          await remember(id, data);
          void whileSending(id, ended);
        },
        onProgress: ({ sentBytes, totalBytes }) => {
          const uploadStarted = file.progress.uploadStarted ?? Date.now();
          const progress = { uploadStarted, bytesUploaded: sentBytes, bytesTotal: totalBytes };
          this.uppy.emit('upload-progress', this.#file(file.id), progress);
        },
      });
      await forget(id);
      return id;
    } catch (error) {
      if (!known || !isGone(error)) throw error;
      await forget(known.id);
      return this.#bring(file, data, signal);
    } finally {
      end();
    }
  }

  /** Drops what was sent of a file that is not to be. */
  async #drop({ data }: UppyFile<M, B>): Promise<void> {
    const known = data instanceof File && (await rememberedFor(data));
    if (!known) return;
    await forget(known.id);
    // Where the platform does not answer, it drops the parts by itself after some days.
    await client()
      .abortUpload(known.id)
      .catch(() => {});
  }
}
