/** `publish`: the last task of an encode. */
import { announcePublished } from '../jobs/announcer.ts';
import { log } from '../jobs/log.ts';
import type { Encode } from '../jobs/messages.ts';
import { publish } from '../jobs/publish.ts';
import type { TaskContext } from './context.ts';

export async function publishTask(context: TaskContext, encode: Encode): Promise<void> {
  const result = await publish(context, encode);
  log('info', result, { ...encode });
  context.live.forget(encode);
  if (result === 'published') announcePublished(context.announcer, context, encode);
}
