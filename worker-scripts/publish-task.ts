/** `publish`: the last task of an encode. */
import { liveOf } from '../jobs/announcer.ts';
import { log } from '../jobs/log.ts';
import type { Encode } from '../jobs/messages.ts';
import { publish } from '../jobs/publish.ts';
import { publishedStatus } from '../jobs/status.ts';
import type { TaskContext } from './context.ts';

export async function publishTask(context: TaskContext, encode: Encode): Promise<void> {
  const result = await publish(context, encode);
  log('info', result, { ...encode });
  context.live.forget(encode);
  if (result === 'published')
    context.announcer.announce(async () => liveOf(encode, await publishedStatus(context, encode)));
}
