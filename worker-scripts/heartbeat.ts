/** Tells that this worker lives, so that a machine whose worker hangs can be told from one that works. */
import { log } from '../jobs/log.ts';
import type { ObjectStore } from '../jobs/store.ts';
import { forgetWorker, HEARTBEAT_SECONDS, reportWorker } from '../jobs/workers.ts';
import { RECIPE_VERSION } from '../video/settings.ts';

export interface Heartbeat {
  /** The last act of an orderly end: the worker is forgotten. */
  stop(): Promise<void>;
}

/** Reports the worker now and then each minute. A report that fails is logged, and the next one made. */
export function startHeartbeat(
  uploads: ObjectStore,
  id: string,
  tasksInHand: () => number,
  intervalMs = HEARTBEAT_SECONDS * 1000,
): Heartbeat {
  const startedAt = new Date().toISOString();
  const report = () =>
    reportWorker(uploads, {
      id,
      startedAt,
      lastSeenAt: new Date().toISOString(),
      tasksInHand: tasksInHand(),
      recipe: RECIPE_VERSION,
    }).catch((error: unknown) => log('warn', 'worker-not-reported', { error: String(error) }));
  let last = report();
  const timer = setInterval(() => {
    last = report();
  }, intervalMs);
  return {
    async stop() {
      clearInterval(timer);
      await last; // or it could be written after the deletion
      await forgetWorker(uploads, id).catch((error: unknown) =>
        log('warn', 'worker-not-forgotten', { error: String(error) }),
      );
    },
  };
}
