/** `publish`: the last task of an encode. */
import { announcePublished } from '../jobs/announcer.ts';
import { log } from '../jobs/log.ts';
import { measuresOf } from '../jobs/measures.ts';
import type { Encode } from '../jobs/messages.ts';
import { logMetrics } from '../jobs/metrics.ts';
import { publish } from '../jobs/publish.ts';
import type { TaskContext } from './context.ts';

export async function publishTask(context: TaskContext, encode: Encode): Promise<void> {
  const result = await publish(context, encode);
  context.live.forget(encode);
  if (result !== 'superseded') announcePublished(context.announcer, context, encode);
  if (result === 'published')
    logMetrics('info', result, { ...encode }, await measuresOf(context.uploads, encode));
  else log('info', result, { ...encode });
}
