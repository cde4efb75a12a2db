/** What all commands share that speak to a platform: where it is, who asks, and how answers are printed. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { SpotreelClient } from '../api/client/index.ts';
import { DEFAULT_PORT } from '../local/ports.ts';
import { videoId } from './option-readers.ts';
import { columns, plain } from './text.ts';

export interface RemoteOptions {
  readonly url: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** Reads an option that must be the address of a platform. */
function platformUrl(text: string): string {
  if (/^https?:$/.test(URL.parse(text)?.protocol ?? '')) return new URL(text).origin;
  throw new InvalidArgumentError('It must be an address such as https://video.example.org.');
}

/** Adds a command that speaks to a platform. */
export function remoteCommand(parent: Command, name: string, description: string): Command {
  return parent
    .command(name)
    .description(description)
    .addOption(
      new Option('--url <url>', 'the platform')
        .env('SPOTREEL_URL')
        .default(`http://localhost:${DEFAULT_PORT}`)
        .argParser(platformUrl),
    )
    .addOption(
      new Option('--token <token>', 'who asks; none is needed on this machine').env('SPOTREEL_TOKEN'),
    )
    .option('--json', 'print JSON, one object a line');
}

/** The same, about one video. */
export const videoCommand = (parent: Command, name: string, description: string): Command =>
  remoteCommand(parent, name, description).argument(
    '<id>',
    'the video, as `v` in the address of its page',
    videoId,
  );

/** A variable that is set to nothing is not set. */
export const clientOf = ({ url, token }: RemoteOptions): SpotreelClient =>
  new SpotreelClient({ url, token: token || undefined });

/** Prints an answer: as JSON where that is asked for, as text otherwise. */
export function print<T>(
  { json }: Pick<RemoteOptions, 'json'>,
  value: T,
  textOf: (value: T) => string,
): void {
  console.log(json ? JSON.stringify(value) : plain(textOf(value)));
}

/** Prints a list: each as JSON, or as its cells. */
export function printEach<T>(
  options: Pick<RemoteOptions, 'json'>,
  values: readonly T[],
  cellsOf: (value: T) => readonly string[],
): void {
  for (const value of values) print(options, value, (one) => columns([cellsOf(one)]));
}

export const watchUrl = (platform: string, id: string): string => `${platform}/watch?v=${id}`;
