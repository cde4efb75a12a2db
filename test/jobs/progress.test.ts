/** What is queued when: media, then what is made of them, and playing as soon as it can be. */
import { expect, test } from '@jest/globals';
import type { Task } from '../../jobs/messages.ts';
import { newVideoId, revisionOf } from '../../jobs/names.ts';
import { possibleTasks, tasksAfter } from '../../jobs/progress.ts';

const encode = { video: newVideoId(), revision: revisionOf({ etag: 'e', size: 5 }, {}) };
type Kind = Task['kind'];
const task = (kind: Kind): Task =>
  kind === 'chunk' || kind === 'audio' ? { kind, ...encode, index: 0 } : { kind, ...encode };
const kinds = (tasks: readonly Task[]) => tasks.map(({ kind }) => kind);

test.each<[Kind[], Kind[]]>([
  [
    ['audio', 'text', 'chunk', 'stills', 'download'],
    ['audio', 'text', 'chunk'],
  ],
  [['text', 'stills'], ['text']],
  [
    ['stills', 'download'],
    ['stills', 'download'],
  ],
  [['download'], ['publish', 'download']],
  [['stills'], ['stills']],
  [[], ['publish']],
])('of an encode that misses %j, %j can be done', (missing, possible) => {
  expect(kinds(possibleTasks(encode, missing.map(task)))).toEqual(possible);
});

test.each<[Kind, Kind[], Kind[]]>([
  ['chunk', ['chunk', 'stills', 'download'], []],
  ['chunk', ['stills', 'download'], ['stills', 'download']],
  ['audio', ['download'], ['publish', 'download']],
  // What else is made of media was queued with it: a second copy would copy the whole file twice.
  ['stills', ['download'], ['publish']],
  ['download', ['stills'], []],
  ['download', [], ['publish']],
])('when %s is done and %j is missing, %j is queued', (done, missing, queued) => {
  expect(kinds(tasksAfter(task(done), possibleTasks(encode, missing.map(task))))).toEqual(queued);
});
