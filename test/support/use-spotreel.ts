/** One platform for the tests of a file: started before the first, stopped after the last. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { sourceKey, UPLOADS_PREFIX, type VideoId } from '../../jobs/names.ts';
import { putSource, type Spotreel, scratch, startSpotreel, stopAll } from './spotreel.ts';

export interface TestSpotreel extends Spotreel {
  /** Where a file lies in the folder of these tests; it is gone after them. */
  path(name: string): string;
  /** Uploads a file under its own name, as somebody does who drops it. Gives the id of its video. */
  upload(name: string, bytes: Buffer): Promise<VideoId>;
  /** Uploads the source of a video whose id is known. */
  uploadAs(id: VideoId, file: string): Promise<void>;
}

/** Starts a platform in `beforeAll`, and in `afterAll` sees that its streams are by the book, and stops it. */
export function useSpotreel(): TestSpotreel {
  const used = {} as TestSpotreel; // whole after `beforeAll`, which is before anybody looks at it
  let folder: Awaited<ReturnType<typeof scratch>> | undefined;
  beforeAll(async () => {
    folder = await scratch();
    const { path } = folder;
    const spotreel = await startSpotreel(join(path, 'data'));
    const own: Omit<TestSpotreel, keyof Spotreel> = {
      path: (name) => join(path, name),
      upload: (name, bytes) => putSource(spotreel.s3, `${UPLOADS_PREFIX}${name}`, bytes),
      async uploadAs(id, file) {
        await putSource(spotreel.s3, sourceKey(id), createReadStream(file));
      },
    };
    Object.assign(used, spotreel, own);
  });
  afterAll(async () => {
    await stopAll();
    await folder?.remove();
  });
  return used;
}
