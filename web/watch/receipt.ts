/** What an encode took, below its video. */
import type { Video } from '../../api/client/index.ts';
import { byId, part, textElement } from '../shared/dom.ts';
import { bytes, money, spentTime } from '../shared/words.ts';

type Spent = NonNullable<Video['spent']>;

/** The figures that a person asks for, with their names. */
function figuresOf({
  cpuSeconds,
  bytes: made,
  machines,
  tasks,
  startedAt,
  finishedAt,
}: Spent): [string, string][] {
  const seconds = (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000;
  return [
    ['from start to end', spentTime(seconds)],
    ['of CPU', spentTime(cpuSeconds)],
    [machines === 1 ? 'machine' : 'machines', String(machines)],
    [tasks === 1 ? 'task' : 'tasks', String(tasks)],
    ['stored', bytes(made)],
  ];
}

/** What it costs, and what it would elsewhere. */
function moneyOf({ cost }: Video): [string, string][] {
  if (!cost) return [];
  const { machines, requests, storageMonth, watchedHour, elsewhere } = cost;
  return [
    ['to encode', money(machines + requests)],
    ...elsewhere.map(({ service, once }): [string, string] => [`to encode at ${service}`, money(once)]),
    ['a month kept', money(storageMonth)],
    ['an hour watched', money(watchedHour)],
  ];
}

/** Fills the section and shows it, where the one who looks may know. */
export function showReceipt(video: Video): void {
  const { spent, sourceBytes } = video;
  byId('receipt').hidden = !spent;
  if (!spent) return;
  const source: [string, string][] = sourceBytes ? [['of source', bytes(sourceBytes)]] : [];
  const groups = [...figuresOf(spent), ...source, ...moneyOf(video)].map(([name, value]) => {
    const group = document.createElement('div');
    group.append(textElement('dt', name), textElement('dd', value));
    return group;
  });
  part(byId('receipt'), 'dl', HTMLElement).replaceChildren(...groups);
}
