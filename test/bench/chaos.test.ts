/** What makes a chaos run worth believing: faults drawn from a seed, and an honest count of repeated work. */
import { describe, expect, test } from '@jest/globals';
import { repeatedWork, triesOf } from '../../bench/chaos/repeated.ts';
import { FAULT_KINDS, planFaults } from '../../local/faults/schedule.ts';

describe('the faults of a run', () => {
  test('are the same for the same seed, and others for another', () => {
    expect(planFaults(7, 100)).toEqual(planFaults(7, 100));
    expect(planFaults(7, 100)).not.toEqual(planFaults(8, 100));
  });

  test('are as many as asked for, every kind by its share, in the order of their progress', () => {
    const faults = planFaults(1, 100);
    expect(faults).toHaveLength(100);
    for (const [kind, { share, latest }] of Object.entries(FAULT_KINDS)) {
      const own = faults.filter((fault) => fault.kind === kind);
      expect({ kind, count: own.length }).toEqual({ kind, count: share });
      expect(Math.max(...own.map(({ at }) => at))).toBeLessThan(latest);
    }
    expect(faults.map(({ at }) => at)).toEqual(faults.map(({ at }) => at).toSorted((a, b) => a - b));
  });
});

const VIDEO = 'b'.repeat(20);
const CHUNK = `${VIDEO}/chunk-00000`;
const line = (second: number, event: string, attempt: number) =>
  JSON.stringify({
    time: new Date(second * 1000).toISOString(),
    event,
    attempt,
    task: { kind: 'chunk', video: VIDEO, revision: '0123456789ab', index: 0 },
  });

describe('the tries of a task, in a log', () => {
  test('end as their last line says', () => {
    const log = [
      line(0, 'task-started', 1),
      line(4, 'task-failed', 1),
      line(5, 'task-started', 2),
      line(9, 'task-done', 2),
    ];
    expect(triesOf(log.join('\n'))).toEqual([
      { task: CHUNK, end: 'failed', seconds: 4 },
      { task: CHUNK, end: 'done', seconds: 4 },
    ]);
  });

  test('that no line ends were killed, also where the kill cut the last line', () => {
    const log = [line(0, 'task-started', 1), line(2, 'task-done', 1).slice(0, 40)];
    expect(triesOf(log.join('\n'))).toEqual([
      { task: CHUNK, end: 'killed', seconds: Number.POSITIVE_INFINITY },
    ]);
  });
});

describe('repeated work', () => {
  const needed = new Map([[CHUNK, 3]]);

  test('is none where a task was tried once', () => {
    const { extra } = repeatedWork([{ task: CHUNK, end: 'done', seconds: 9 }], needed);
    expect(Object.values(extra).every(({ tries }) => tries === 0)).toBe(true);
  });

  test('is what the other tries took, each at most the whole task', () => {
    const { extra, neededSeconds } = repeatedWork(
      [
        { task: CHUNK, end: 'killed', seconds: Number.POSITIVE_INFINITY },
        { task: CHUNK, end: 'returned', seconds: 1 },
        { task: CHUNK, end: 'done', seconds: 9 },
        { task: CHUNK, end: 'done', seconds: 0.1 },
      ],
      needed,
    );
    expect(neededSeconds).toBe(3);
    expect(extra).toEqual({
      killed: { tries: 1, seconds: 3 },
      returned: { tries: 1, seconds: 1 },
      done: { tries: 1, seconds: 0.1 },
      failed: { tries: 0, seconds: 0 },
    });
  });
});
