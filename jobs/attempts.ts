/**
 * Tries of a task that came to nothing, as far as the worker could still tell: one object a try, written once. They
 * outlive their worker, so that whoever buries a task knows why it failed, and which tries were no fault of its own.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Task } from './messages.ts';
import { jobKeys } from './names.ts';
import { taskName } from './progress.ts';
import type { ObjectStore } from './store.ts';

export const attemptSchema = z.object({
  /** ISO 8601: when it ended. */
  at: z.string(),
  /** When its message was received; those before 22 November 2026 have none. */
  startedAt: z.string().exactOptional(),
  /** The worker. */
  instance: z.string(),
  /** SQS's count of the message's receives, this one included. */
  receiveCount: z.int(),
  /** `interrupted`: the worker had to go and handed the task back. `failed`: `error` says why. */
  outcome: z.enum(['interrupted', 'failed']),
  error: z.string().optional(),
});
export type Attempt = z.infer<typeof attemptSchema>;

export interface RecordedAttempt extends Attempt {
  readonly key: string;
}

const prefixOf = (task: Task): string => jobKeys.attempts(task.video, task.revision, taskName(task));

/** Keeps an attempt. */
export async function recordAttempt(uploads: ObjectStore, task: Task, attempt: Attempt): Promise<void> {
  // Time first: S3 lists in the order of keys. ISO 8601's colons have no place in them.
  const time = attempt.at.replaceAll(':', '');
  await uploads.putOnceJson(`${prefixOf(task)}${time}-${randomBytes(4).toString('hex')}.json`, attempt);
}

/** Every attempt of a task that was kept, oldest first. */
export async function listAttempts(uploads: ObjectStore, task: Task): Promise<RecordedAttempt[]> {
  const attempts: RecordedAttempt[] = [];
  for await (const { key } of uploads.list(prefixOf(task))) {
    const attempt = await uploads.getJson(key, attemptSchema);
    if (attempt) attempts.push({ key, ...attempt });
  }
  return attempts;
}
