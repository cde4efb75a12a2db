/** `spotreel subtitles`: added to a video and taken away; nothing is encoded again. */
import { readFile } from 'node:fs/promises';
import { type Command, Option } from 'commander';
import type { SubtitlesQuery } from '../api/client/index.ts';
import { clientOf, print, printEach, type RemoteOptions, videoCommand } from './remote.ts';

interface AddOptions extends RemoteOptions {
  readonly language: string;
  readonly name?: string;
  readonly kind: 'subtitles' | 'captions' | 'forced';
  readonly default?: boolean;
}

const rowOf = (track: { id: string; language: string; kind: string; name: string; default: boolean }) => [
  track.id,
  track.language,
  track.kind,
  track.default ? `${track.name} (default)` : track.name,
];

async function add(id: string, file: string, options: AddOptions): Promise<void> {
  const { language, name, kind, default: isDefault = false } = options;
  const said: SubtitlesQuery = {
    language,
    kind,
    default: isDefault ? 'true' : 'false',
    ...(name !== undefined && { name }),
  };
  printEach(options, [await clientOf(options).addSubtitles(id, said, await readFile(file))], rowOf);
}

/** Adds the commands. */
export function addSubtitles(program: Command): void {
  const subtitles = program.command('subtitles').description('the subtitles that are added to a video');

  videoCommand(subtitles, 'add', 'add a subtitle file: SubRip, WebVTT or ASS, in any usual encoding')
    .argument('<file>', 'the file')
    .requiredOption('--language <tag>', 'its language as BCP 47, such as en or pt-BR')
    .option('--name <text>', 'what people choose it by; otherwise the language’s name')
    .addOption(
      new Option('--kind <kind>', 'captions are for the deaf, forced ones have only signs and foreign lines')
        .choices(['subtitles', 'captions', 'forced'])
        .default('subtitles'),
    )
    .option('--default', 'shown until somebody chooses otherwise')
    .addHelpText('after', '\nExample:\n  spotreel subtitles add ID film.de.srt --language de')
    .action((id: string, file: string, options: AddOptions) => add(id, file, options));

  videoCommand(subtitles, 'list', 'list what was added').action(
    async (id: string, options: RemoteOptions) => {
      const { subtitles: tracks } = await clientOf(options).listSubtitles(id);
      printEach(options, tracks, rowOf);
    },
  );

  videoCommand(subtitles, 'remove', 'take added subtitles away')
    .argument('<track>', 'the id that add and list print')
    .action(async (id: string, track: string, options: RemoteOptions) => {
      await clientOf(options).removeSubtitles(id, track);
      print(options, { id, track, state: 'removed' }, () => `${track}: removed`);
    });
}
