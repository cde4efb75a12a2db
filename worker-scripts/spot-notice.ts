/**
 * Watches for EC2's word that it takes a spot machine back, two minutes before it does.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { log } from '../jobs/log.ts';
import type { InstanceMetadata } from './metadata.ts';

/** AWS recommends to look every five seconds. */
const POLL_MS = 5000;

const NOTICE = 'spot/instance-action';
const RECOMMENDATION = 'events/recommendations/rebalance';

/**
 * Looks until there is a notice or the signal aborts; resolves with the notice's text, or undefined. Errors of the
 * metadata service are logged once and otherwise borne, for a machine is not to end because it could not be asked.
 */
export async function watchForNotice(
  metadata: Pick<InstanceMetadata, 'read'>,
  signal: AbortSignal,
  pollMs = POLL_MS,
): Promise<string | undefined> {
  const logged = new Set<string>();
  const logOnce = (level: 'info' | 'warn', event: string, fields: Record<string, unknown>) => {
    if (!logged.has(event)) log(level, event, fields);
    logged.add(event);
  };
  while (!signal.aborted) {
    try {
      const notice = await metadata.read(NOTICE);
      if (notice !== undefined) return notice;
      const recommendation = await metadata.read(RECOMMENDATION);
      // Only logged: most such machines stay, and handing work back without need repeats it.
      if (recommendation !== undefined) logOnce('info', 'rebalance-recommended', { recommendation });
    } catch (error) {
      logOnce('warn', 'metadata-unreadable', { error: String(error) });
    }
    await sleep(pollMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
