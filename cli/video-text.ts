/** Videos as people read them. Pure. */
import type { Video } from '../api/client/index.ts';
import { watchUrl } from './remote.ts';
import { byteCount, clock, columns, localTime, money } from './text.ts';

const stateOf = ({ state, percent }: Pick<Video, 'state' | 'percent'>): string =>
  state === 'encoding' ? `encoding ${percent} %` : state;

/** What keeps a video waiting. */
const heldText = ({ heldBy }: Video): string | undefined =>
  heldBy && `by the ${heldBy} spending ceiling; spotreel resume lifts it for today`;

const lengthOf = ({ durationSeconds }: Video): string =>
  durationSeconds === undefined ? '' : clock(durationSeconds);

/** A line of a list, in columns of fixed width so that a list can be printed while it comes. */
export function listLine(video: Video): string {
  const { id, title, uploadedAt } = video;
  return `${id}  ${stateOf(video).padEnd(14)}  ${lengthOf(video).padStart(8)}  ${localTime(uploadedAt)}  ${title}`;
}

/** What a video costs, and the same elsewhere. */
export function costRows(cost: Video['cost']): [string, string][] {
  if (!cost) return [];
  const { machines, requests, storageMonth, watchedHour, elsewhere } = cost;
  const row = (once: number, month: number, hour: number) =>
    `${money(once)} once, ${money(month)} a month kept, ${money(hour)} an hour watched`;
  return [
    ['cost', row(machines + requests, storageMonth, watchedHour)],
    ...elsewhere.map(({ service, once, ...other }): [string, string] => [
      service,
      row(once, other.storageMonth, other.watchedHour),
    ]),
  ];
}

/** All that is known of a video. */
export function videoText(video: Video, platform: string): string {
  const { id, title, width, height, sourceBytes, failure, playbackUrl, next, spent } = video;
  const rows: [string, string | undefined][] = [
    ['id', id],
    ['state', stateOf(video)],
    ['held', heldText(video)],
    ['failure', failure && `${failure.message} (${failure.code})`],
    ['length', lengthOf(video) || undefined],
    ['picture', width === undefined ? undefined : `${width} x ${height}`],
    ['uploaded', localTime(video.uploadedAt)],
    ['source', sourceBytes === undefined ? undefined : byteCount(sourceBytes)],
    ['visibility', video.visibility],
    ['revision', video.revision],
    ['next', next && `revision ${next.revision}: ${stateOf(next)}`],
    ['encode', spent && `${clock(spent.cpuSeconds)} of CPU, ${byteCount(spent.bytes)}`],
    ...costRows(video.cost),
    ['watch', watchUrl(platform, id)],
    ['HLS', playbackUrl === undefined ? undefined : `${platform}${playbackUrl}`],
    ...Object.entries(video.metadata ?? {}).map(([name, value]): [string, string] => [name, value]),
  ];
  const known = rows.flatMap(([name, value]) => (value === undefined ? [] : [[`  ${name}`, value]]));
  const findings = (video.findings ?? []).map(({ text }) => `  - ${text}`);
  return [title, columns(known), ...findings].join('\n');
}
