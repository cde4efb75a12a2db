/**
 * Who works: one object a worker, `workers/<instance id>.json`, replaced by each heartbeat and deleted at an orderly
 * end. So what is there and old is a machine whose worker hangs, or that died without a word.
 */
import { z } from 'zod';
import { WORKERS_PREFIX, workerKey } from './names.ts';
import type { ObjectStore } from './store.ts';

/** Seconds between two heartbeats. */
export const HEARTBEAT_SECONDS = 60;

export const workerSchema = z.object({
  /** The instance's id. */
  id: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  /** ISO 8601. */
  lastSeenAt: z.string(),
  tasksInHand: z.int().nonnegative(),
  /** `RECIPE_VERSION` of the worker's code. */
  recipe: z.int(),
});
export type Worker = z.infer<typeof workerSchema>;

/** Says that a worker lives. */
export async function reportWorker(uploads: ObjectStore, worker: Worker): Promise<void> {
  await uploads.putJson(workerKey(worker.id), worker);
}

/** Says that a worker has ended. */
export async function forgetWorker(uploads: ObjectStore, id: string): Promise<void> {
  await uploads.delete(workerKey(id));
}

/** A worker's last heartbeat; undefined where it never sent one, or has ended in order. */
export function readWorker(uploads: ObjectStore, id: string): Promise<Worker | undefined> {
  return uploads.getJson(workerKey(id), workerSchema);
}

/** The last heartbeat of every worker that has not ended in order. */
export async function listWorkers(uploads: ObjectStore): Promise<Worker[]> {
  const workers: Worker[] = [];
  for await (const { key } of uploads.list(WORKERS_PREFIX)) {
    const worker = await uploads.getJson(key, workerSchema);
    if (worker) workers.push(worker);
  }
  return workers;
}

/** How many workers there are that have not ended in order. */
export async function countWorkers(uploads: ObjectStore): Promise<number> {
  const keys = await Array.fromAsync(uploads.list(WORKERS_PREFIX));
  return keys.length;
}
