/**
 * What encodes really cost, against what their plans said: learnt from the receipts of finished videos. It only makes
 * the number of machines fit better; plans do not depend on it, so that they stay the same on every planning.
 */
import { z } from 'zod';
import type { Work } from './capacity.ts';
import { readHint, updateHint } from './hints.ts';
import { capacityKeys } from './names.ts';
import type { ObjectStore } from './store.ts';

/** A wrong measurement may not ask for more than four times the machines, or less than a quarter of them. */
const FACTOR_LIMITS = { least: 0.25, most: 4 } as const;

export const calibrationSchema = z.object({
  /** CPU seconds spent for each that was planned. */
  factor: z.number().min(FACTOR_LIMITS.least).max(FACTOR_LIMITS.most),
  /** CPU seconds of a task, on average. */
  taskSeconds: z.number().nonnegative(),
});
export type Calibration = z.infer<typeof calibrationSchema>;

/** Before anything was measured. A chunk of 1080p takes about so long (docs/encoding.md). */
export const UNCALIBRATED: Calibration = { factor: 1, taskSeconds: 40 };

/**
 * CPU seconds of work after which what was learnt before counts 1/e. A ten-minute 1080p video then counts a fifth,
 * and a clip of seconds, whose start-up distorts it, next to nothing.
 */
const MEMORY_SECONDS = 3600;

/** What a finished video was planned to cost, and did cost, in CPU seconds. */
export interface Spent {
  readonly tasks: number;
  readonly plannedSeconds: number;
  readonly spentSeconds: number;
}

/** The calibration after one more video. */
export function calibrated(before: Calibration, { tasks, plannedSeconds, spentSeconds }: Spent): Calibration {
  const weight = 1 - Math.exp(-plannedSeconds / MEMORY_SECONDS);
  const factor = before.factor + weight * (limited(spentSeconds / plannedSeconds) - before.factor);
  return {
    factor: limited(factor), // rounding may lead beyond
    taskSeconds: before.taskSeconds + weight * (spentSeconds / tasks - before.taskSeconds),
  };
}

const limited = (factor: number): number =>
  Math.min(FACTOR_LIMITS.most, Math.max(FACTOR_LIMITS.least, factor));

/** What was learnt so far. */
export async function readCalibration(uploads: ObjectStore): Promise<Calibration> {
  return (await readHint(uploads, capacityKeys.calibration, calibrationSchema)) ?? UNCALIBRATED;
}

/** Learns from a finished video; skips it where another is learnt from at the same moment. Never throws. */
export async function learnFrom(
  uploads: ObjectStore,
  plan: { readonly workSeconds: number },
  receipts: readonly { readonly cpuSeconds: number }[],
): Promise<void> {
  const spent = {
    tasks: receipts.length,
    plannedSeconds: plan.workSeconds,
    spentSeconds: receipts.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
  };
  await updateHint(uploads, capacityKeys.calibration, calibrationSchema, (before = UNCALIBRATED) =>
    calibrated(before, spent),
  );
}

/**
 * The work behind a queue's length. Messages do not say how long their tasks are, and whose they are is not worth a
 * listing of every job: those of the plans at hand are known, each of the others counts as the average task.
 * @param planned the work of the plans at hand, as they say
 * @param messages in the queue, which usually are those plans' tasks already
 */
export function backlogWork(planned: Work, messages: number, { factor, taskSeconds }: Calibration): Work {
  const others = Math.max(0, messages - planned.tasks);
  return { tasks: planned.tasks + others, seconds: planned.seconds * factor + others * taskSeconds };
}
