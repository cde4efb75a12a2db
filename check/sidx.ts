/** Segment index boxes (ISO/IEC 14496-12, 8.16.3), where a segment has one. */
import type { Box } from './boxes.ts';
import type { Problem, Run } from './run.ts';

interface Index {
  readonly track: number;
  readonly timescale: number;
  /** Where the first reference begins. */
  readonly anchor: number;
  readonly references: readonly { readonly size: number; readonly duration: number }[];
}

function readIndex(data: Buffer, box: Box): Index {
  const long = data.readUInt8(box.content) === 1;
  const times = box.content + 12;
  const offset = long ? Number(data.readBigUInt64BE(times + 8)) : data.readUInt32BE(times + 4);
  const list = times + (long ? 16 : 8);
  const count = data.readUInt16BE(list + 2);
  return {
    track: data.readUInt32BE(box.content + 4),
    timescale: data.readUInt32BE(box.content + 8),
    anchor: box.end + offset,
    references: Array.from({ length: count }, (_, index) => {
      const at = list + 4 + 12 * index;
      return { size: data.readUInt32BE(at) & 0x7fffffff, duration: data.readUInt32BE(at + 4) };
    }),
  };
}

/** Sizes and durations of the first `sidx` are those of what follows it. */
export function checkIndex(data: Buffer, boxes: readonly Box[], runs: readonly Run[]): Problem[] {
  const box = boxes.find(({ type }) => type === 'sidx');
  if (!box) return [];
  const { track, timescale, anchor, references } = readIndex(data, box);
  const size = references.reduce((sum, reference) => sum + reference.size, 0);
  const duration = references.reduce((sum, reference) => sum + reference.duration, 0);
  const problems: Problem[] = [];
  if (anchor + size !== data.length) {
    problems.push({ rule: 'sidx', message: `it refers to ${size} bytes, ${data.length - anchor} follow` });
  }
  const run = runs.find((one) => one.track.id === track);
  if (run && duration * run.track.timescale !== (run.end - run.start) * timescale) {
    const real = (run.end - run.start) / run.track.timescale;
    problems.push({ rule: 'sidx', message: `it says ${duration / timescale} s, the samples last ${real} s` });
  }
  return problems;
}
