/** How `spotreel local` tells what becomes of files: on lines of the screen, or with `--json` a line at the end of each. */
import type { VideoId } from '../jobs/names.ts';
import type { VideoStatus } from '../jobs/status.ts';
import { failedLine } from './endings.ts';
import { EncodeProgress, ProgressLines } from './progress.ts';
import { watchUrl } from './remote.ts';
import { messageOf } from './text.ts';

export interface Teller {
  readonly uploading: (file: string) => void;
  /** A file is there, and has become a video. */
  readonly arrived: (file: string, id: VideoId) => void;
  readonly stands: (status: VideoStatus) => void;
  /** How a video stood at its end. */
  readonly ended: (status: VideoStatus) => void;
  /** @param code what of the file could not be done */
  readonly failed: (file: string, code: 'upload' | 'subtitles', error: unknown) => void;
}

/** @param platform its address */
export function jsonTeller(platform: string): Teller {
  return {
    uploading() {},
    arrived() {},
    stands() {},
    ended({ id, state, title, failure, playbackUrl }) {
      const url = playbackUrl === undefined ? undefined : `${platform}${playbackUrl}`;
      console.log(JSON.stringify({ id, state, title, playbackUrl: url, failure }));
    },
    failed: (file, code, error) => console.log(failedLine(file, code, error)),
  };
}

/** @param platform its address */
export function lineTeller(platform: string): Teller {
  const lines = new ProgressLines(process.stdout);
  const progress = new Map<string, EncodeProgress>();
  const textOf = (status: VideoStatus): string =>
    (progress.get(status.id) ?? new EncodeProgress()).textOf(status, Date.now() / 1000, {
      watchUrl: watchUrl(platform, status.id),
      playbackUrl: `${platform}${status.playbackUrl ?? ''}`,
    });
  return {
    uploading: (file) => lines.set(file, `${file}: uploading`),
    arrived(file, id) {
      lines.rename(file, id);
      progress.set(id, new EncodeProgress());
    },
    stands: (status) => lines.set(status.id, textOf(status), `${status.state} ${status.percent}`),
    ended: (status) => lines.finish(status.id, textOf(status)),
    failed: (file, _, error) => lines.finish(file, `${file}: ${messageOf(error)}`),
  };
}
