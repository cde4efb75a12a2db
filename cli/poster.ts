/** `spotreel poster`: a picture of the owner's own in place of the one that was chosen from the video. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { clientOf, print, type RemoteOptions, videoCommand } from './remote.ts';

/** Adds the commands. */
export function addPoster(program: Command): void {
  const poster = program.command('poster').description('the picture that a video shows before it plays');

  videoCommand(poster, 'set', 'show a picture of your own: JPEG, PNG or WebP')
    .argument('<file>', 'the picture')
    .action(async (id: string, file: string, options: RemoteOptions) => {
      await clientOf(options).setPoster(id, await readFile(file));
      print(options, { id, poster: 'set' }, () => `${id}: shows this poster`);
    });

  videoCommand(poster, 'remove', 'go back to the one that was chosen from the video').action(
    async (id: string, options: RemoteOptions) => {
      await clientOf(options).unsetPoster(id);
      print(options, { id, poster: 'removed' }, () => `${id}: shows the chosen poster`);
    },
  );
}
