/** `spotreel webhooks`: who is told what happens to videos (docs/webhooks.md). */
import type { Command } from 'commander';
import type { SpotreelClient } from '../api/client/index.ts';
import { clientOf, print, printEach, type RemoteOptions, remoteCommand } from './remote.ts';
import { localTime } from './text.ts';

type Webhook = Awaited<ReturnType<SpotreelClient['listWebhooks']>>['webhooks'][number];

/** How an endpoint fares. */
function stateOf({ disabled, failing }: Webhook): string {
  if (disabled) return `disabled: ${disabled.reason}`;
  return failing ? `failing since ${localTime(failing.since)}: ${failing.problem}` : 'well';
}

/** Adds the commands. */
export function addWebhooks(program: Command): void {
  const webhooks = program.command('webhooks').description('who is told what happens to videos');
  const endpointCommand = (name: string, description: string) =>
    remoteCommand(webhooks, name, description).argument('<endpoint>', 'the id that list prints');

  remoteCommand(webhooks, 'add', 'add an endpoint; its secret is printed this once')
    .argument('<address>', 'where events are sent: https://example.org/spotreel')
    .action(async (url: string, options: RemoteOptions) => {
      const created = await clientOf(options).createWebhook({ url });
      print(options, created, ({ id, secret }) => `${id}\n${secret}`);
    });

  remoteCommand(webhooks, 'list', 'list endpoints and how they fare, oldest first').action(
    async (options: RemoteOptions) => {
      const { webhooks: endpoints } = await clientOf(options).listWebhooks();
      printEach(options, endpoints, (one) => [one.id, localTime(one.createdAt), one.url, stateOf(one)]);
    },
  );

  endpointCommand('remove', 'remove an endpoint, with what it did not get').action(
    async (id: string, options: RemoteOptions) => {
      await clientOf(options).removeWebhook(id);
      print(options, { id, state: 'removed' }, () => `${id}: removed`);
    },
  );

  endpointCommand('rotate', 'print a new secret; for a day the one before signs, too').action(
    async (id: string, options: RemoteOptions) => {
      const rotated = await clientOf(options).rotateWebhookSecret(id);
      print(options, rotated, ({ secret }) => secret);
    },
  );

  endpointCommand('test', 'send an endpoint a webhook.test').action(
    async (id: string, options: RemoteOptions) => {
      const tested = await clientOf(options).testWebhook(id);
      print(options, tested, ({ event }) => `${event} is on its way`);
    },
  );

  endpointCommand('failed', 'list what an endpoint did not get').action(
    async (id: string, options: RemoteOptions) => {
      const { undelivered, more } = await clientOf(options).listUndelivered(id);
      printEach(options, undelivered, ({ event, at, problem }) => [
        event.id,
        localTime(at),
        event.type,
        problem,
      ]);
      if (more) console.error('There is more; replay or remove these to see it.');
    },
  );

  endpointCommand('replay', 'send an endpoint again what it did not get').action(
    async (id: string, options: RemoteOptions) => {
      const answer = await clientOf(options).replayWebhook(id);
      print(
        options,
        answer,
        ({ replayed, more }) => `${replayed} on their way${more ? '; there is more: replay again' : ''}`,
      );
    },
  );
}
