/** The commands about private videos: `share`, `rotate-playback-key`. */
import { type Command, Option } from 'commander';
import { wholeNumber } from './option-readers.ts';
import { clientOf, print, type RemoteOptions, remoteCommand, videoCommand } from './remote.ts';

interface ShareOptions extends RemoteOptions {
  readonly expiresIn: number;
  readonly ip?: string;
  readonly referrer?: string;
}

async function share(id: string, options: ShareOptions): Promise<void> {
  const { url, expiresIn, ip, referrer } = options;
  const made = await clientOf(options).createPlaybackToken(id, { expiresIn, ip, referrer });
  if (made.playbackUrl === undefined)
    throw new Error(`${id} does not play yet: spotreel watch ${id} waits until it does`);
  const playbackUrl = `${url}${made.playbackUrl}`;
  print(options, { ...made, playbackUrl }, () => playbackUrl);
}

/** Adds the commands. */
export function addPlayback(program: Command): void {
  videoCommand(program, 'share', 'print an address that plays a video, also a private one, in any player')
    .addOption(
      new Option('--expires-in <seconds>', 'how long it is good')
        .default(12 * 3600)
        .argParser(wholeNumber(60)),
    )
    .option('--ip <address>', 'the only address that may use it')
    .option('--referrer <host>', 'the only site whose pages may play it')
    .addHelpText('after', '\nExample:\n  ffplay "$(spotreel share ID --expires-in 600)"')
    .action((id: string, options: ShareOptions) => share(id, options));

  remoteCommand(
    program,
    'rotate-playback-key',
    'make a new key for the addresses of private videos; those of the key before stay good, older ones end',
  ).action(async (options: RemoteOptions) => {
    print(options, await clientOf(options).rotatePlaybackKey(), ({ id }) => `The new key is ${id}`);
  });
}
