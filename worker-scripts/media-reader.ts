/** Reads what is stored of an encode's media, as it was before it was encrypted. */
import type { Encode } from '../jobs/messages.ts';
import { videoKeys } from '../jobs/names.ts';
import { encryptedStretch, KEY_BYTES, KEY_PATH } from '../video/encryption.ts';
import type { MediaObject } from '../video/receipt.ts';
import type { TaskContext } from './context.ts';

/** The key of an encode whose segments are encrypted; `planTask` made it. */
export const readKey = ({ production }: TaskContext, { video, revision }: Encode): Promise<Buffer> =>
  production.getRange(videoKeys.media(video, revision, KEY_PATH), 0, KEY_BYTES);

export class MediaReader {
  readonly #context: TaskContext;
  readonly #encode: Encode;
  #key: Promise<Buffer> | undefined;

  constructor(context: TaskContext, encode: Encode) {
    this.#context = context;
    this.#encode = encode;
  }

  /** The init segment of an object. */
  init(object: MediaObject): Promise<Buffer> {
    return this.#range(object, 0, object.initLength);
  }

  /** A stretch of one of its segments. */
  async read(object: MediaObject, offset: number, length: number): Promise<Buffer> {
    const stretch = encryptedStretch(object, offset, length);
    if (!stretch) return this.#range(object, offset, length);
    this.#key ??= readKey(this.#context, this.#encode);
    return stretch.decrypt(await this.#range(object, stretch.offset, stretch.length), await this.#key);
  }

  #range({ rendition, file }: MediaObject, offset: number, length: number): Promise<Buffer> {
    const { video, revision } = this.#encode;
    const key = videoKeys.media(video, revision, `${rendition}/${file}`);
    return this.#context.production.getRange(key, offset, length);
  }
}
