/** What the row of an upload says once its file is there: how its video fares. */
import type { LiveVideo } from '../../api/client/live.ts';
import { watchPath } from '../shared/addresses.ts';
import { percent, timeLeft } from '../shared/words.ts';
import { type Row, type RowState, whileEncoded } from './row.ts';

type Fares = Pick<LiveVideo, 'id' | 'state' | 'percent' | 'failure' | 'secondsLeft'>;

/** What a row says of a video in each state. */
const SHOWN: Record<Fares['state'], (video: Fares) => Omit<RowState, 'actions'>> = {
  uploading: () => ({ stage: 'waits', percent: 50, words: 'Uploaded', said: 'Uploaded' }),
  queued: ({ secondsLeft }) => ({
    stage: 'waits',
    percent: 50,
    words: `Uploaded. Waiting for a machine${leftOf(secondsLeft)}`,
    said: 'Uploaded. Waiting for a machine',
  }),
  encoding: ({ percent: done, secondsLeft }) => ({
    stage: 'encoding',
    percent: whileEncoded(done),
    words: `Encoding ${percent(done)}${leftOf(secondsLeft)}`,
    said: 'Encoding',
  }),
  ready: () => ({ stage: 'ready', percent: 100, words: 'Ready', said: 'Ready' }),
  failed: ({ failure }) => {
    const words = failure?.message ?? 'This video could not be prepared';
    return { stage: 'failed', words, said: words };
  },
  deleted: () => ({ stage: 'failed', words: 'Deleted', said: 'Deleted' }),
};

const leftOf = (seconds: number | undefined): string =>
  seconds === undefined ? '' : `, ${timeLeft(seconds)} left`;

/** How the video of an upload fares, in its row. */
export function showVideo(row: Row, video: Fares): void {
  const actions = video.state === 'deleted' ? [] : [{ name: 'Watch', does: watchPath(video.id) }];
  row.show({ ...SHOWN[video.state](video), actions });
}
