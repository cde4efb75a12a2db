/** Parts of contexts that tell nobody anything. */
import type { Announcer } from '../../jobs/announcer.ts';
import type { WorkerContext } from '../../worker-scripts/context.ts';

export const silentAnnouncer: Announcer = { announce() {} };

/** What a worker's context needs to work in silence. */
export const SILENT: Pick<WorkerContext, 'announcer' | 'live' | 'born'> = {
  born: { workerStartedAt: '2026-01-02T03:04:00.000Z' },
  announcer: silentAnnouncer,
  live: { planned() {}, begin: () => undefined, saw() {}, forget() {} },
};
