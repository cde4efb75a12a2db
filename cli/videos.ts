/** The commands about videos that are there: `list`, `show`, `watch`, `open`, `retry`, `reencode`, `rollback`, `delete`. */
import { createInterface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import type { EncodeOptions, ListQuery, SpotreelClient } from '../api/client/index.ts';
import { EXIT, fail, UsageError } from './endings.ts';
import { follow, followOnLine } from './follow.ts';
import { openPage } from './open-page.ts';
import { jsonObject, videoId, wholeNumber } from './option-readers.ts';
import { ProgressLines } from './progress.ts';
import { clientOf, print, type RemoteOptions, remoteCommand, videoCommand, watchUrl } from './remote.ts';
import { plain } from './text.ts';
import { listLine, videoText } from './video-text.ts';

const STATES = ['queued', 'encoding', 'ready', 'failed'] as const satisfies readonly ListQuery['state'][];

interface ListOptions extends RemoteOptions {
  readonly limit: number;
  readonly state?: ListQuery['state'];
}

async function list(options: ListOptions): Promise<void> {
  const { limit, state } = options;
  let printed = 0;
  for await (const video of clientOf(options).eachVideo({ state, limit: Math.min(limit, 100) })) {
    if (printed === limit) {
      console.error('There are more; ask for them with --limit');
      return;
    }
    print(options, video, listLine);
    printed++;
  }
}

async function watch(id: string, options: RemoteOptions): Promise<void> {
  const { url, json } = options;
  const client = clientOf(options);
  const { state } = json
    ? await follow(client, id, (video) => console.log(JSON.stringify(video)))
    : await followOnLine(client, id, new ProgressLines(process.stdout), url);
  if (state !== 'ready') process.exitCode ??= EXIT.failed;
}

async function open(id: string, options: RemoteOptions): Promise<void> {
  await clientOf(options).showVideo(id);
  const page = watchUrl(options.url, id);
  print(options, { url: page }, ({ url }) => url);
  if (!(await openPage(page))) console.error('No browser is known here: open the address yourself');
}

/** Whether the user means it. Throws a `UsageError` where nobody can be asked. */
async function isMeant(client: SpotreelClient, ids: readonly string[]): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError('Nobody is here to be asked: say --yes to delete');
  for (const id of ids) {
    const { title } = await client.showVideo(id);
    console.log(plain(`${id}  ${title}`));
  }
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await lines.question('Delete them with everything that belongs to them? [y/N] ');
  lines.close();
  return /^y(es)?$/i.test(answer.trim());
}

async function remove(ids: readonly string[], options: RemoteOptions & { yes?: boolean }): Promise<void> {
  const client = clientOf(options);
  if (!options.yes && !(await isMeant(client, ids))) return;
  for (const id of ids) {
    try {
      print(options, await client.deleteVideo(id), ({ state }) => `${id}: ${state}`);
    } catch (error) {
      fail(error, id);
    }
  }
}

/** Adds the commands. */
export function addVideos(program: Command): void {
  remoteCommand(program, 'list', 'list videos, newest first')
    .addOption(new Option('--limit <n>', 'how many at most').default(20).argParser(wholeNumber(1)))
    .addOption(new Option('--state <state>', 'only those in this state').choices(STATES))
    .addHelpText('after', '\nExamples:\n  spotreel list --state failed\n  spotreel list --limit 1000 --json')
    .action((options: ListOptions) => list(options));

  videoCommand(program, 'show', 'show all that is known of a video').action(
    async (id: string, options: RemoteOptions) => {
      print(options, await clientOf(options).showVideo(id), (video) => videoText(video, options.url));
    },
  );

  videoCommand(
    program,
    'watch',
    'follow a video until it is ready or has failed; exit code 0 if it is ready',
  ).action((id: string, options: RemoteOptions) => watch(id, options));

  videoCommand(program, 'open', 'open the page of a video in a browser, and print its address').action(
    (id: string, options: RemoteOptions) => open(id, options),
  );

  videoCommand(
    program,
    'retry',
    'let a video that failed go on: what is made is kept, what is missing is queued',
  ).action(async (id: string, options: RemoteOptions) => {
    print(options, await clientOf(options).retryVideo(id), ({ requeued }) =>
      requeued ? `${id}: goes on; spotreel watch ${id} follows it` : `${id}: nothing is missing`,
    );
  });

  videoCommand(program, 'reencode', 'encode a video anew; the present one plays until the new one is whole')
    .addOption(
      new Option('--settings <json>', 'encode settings that differ from the platform’s')
        .default({}, '{}')
        .argParser(jsonObject),
    )
    .addHelpText('after', `\nExample:\n  spotreel reencode ID --settings '{"preset":"slow"}'`)
    .action(async (id: string, options: RemoteOptions & { settings: object }) => {
      // The API parses them, and names what is wrong.
      const made = await clientOf(options).reencodeVideo(id, options.settings as EncodeOptions);
      print(
        options,
        made,
        ({ revision }) => `${id}: revision ${revision} will play; spotreel watch ${id} follows it`,
      );
    });

  videoCommand(program, 'rollback', 'let an earlier revision play, at once')
    .option('--to <revision>', 'which; otherwise the one before')
    .action(async (id: string, options: RemoteOptions & { to?: string }) => {
      const made = await clientOf(options).rollbackVideo(id, options.to);
      print(options, made, ({ revision }) => `${id}: revision ${revision} plays`);
    });

  remoteCommand(program, 'delete', 'delete videos with everything that belongs to them')
    .argument('<ids...>', 'the videos', (id: string, before: string[] = []) => [...before, videoId(id)])
    .option('--yes', 'do not ask')
    .action((ids: string[], options: RemoteOptions & { yes?: boolean }) => remove(ids, options));
}
