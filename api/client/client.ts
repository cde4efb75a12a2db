/** What clients hold: every endpoint, and what takes several of them. */
import type { Upload, Video } from '../schemas.ts';
import { type CallOptions, Endpoints, type ListQuery } from './endpoints.ts';
import { type UploadOptions, type UploadSource, uploadWith } from './upload.ts';

export class SpotreelClient extends Endpoints {
  /**
   * Uploads a file: in one PUT or in parallel parts, each tried again with growing pauses. Ends when the platform has
   * the whole file; `showVideo` then tells how its video fares.
   * @throws `ApiError`, `ConnectionError`, `UploadError`, or the signal's reason; `resume` goes on after any of them
   */
  upload(source: UploadSource, options: UploadOptions = {}): Promise<Upload> {
    return uploadWith(this, source, options);
  }

  /** Every video, newest first; a page is asked for when the one before is taken. */
  async *eachVideo(query: Omit<ListQuery, 'cursor'> = {}, options: CallOptions = {}): AsyncGenerator<Video> {
    let cursor: string | undefined;
    do {
      const page = await this.listVideos({ ...query, cursor }, options);
      yield* page.videos;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
  }
}
