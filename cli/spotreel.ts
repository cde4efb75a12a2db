#!/usr/bin/env node
/** The command line: parses, calls, prints. */
import { readFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { runCheck } from './check.ts';
import { runLocal } from './local.ts';
import { act, addSubtitles, listSubtitles, removeSubtitles } from './remote.ts';

/** Reads an option that must be a whole number of at least `least`. */
const wholeNumber = (least: number) => (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least) {
    throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
  }
  return value;
};

const program = new Command('spotreel').description('A video platform that you own.').showHelpAfterError();

program
  .command('local')
  .description('run the whole platform on this machine: upload, encode, play; no AWS account')
  .argument('[files...]', 'videos to upload at once, each with its subtitles: film.mp4 film.en.srt')
  .addOption(
    new Option('--port <n>', 'port of the pages; S3, SQS and EC2 take the next three')
      .default(8080)
      .argParser(wholeNumber(0)),
  )
  .addOption(new Option('--data <dir>', 'folder that keeps everything').default('.spotreel'))
  .addOption(
    new Option('--workers <n>', 'machines that may run at once').default(1).argParser(wholeNumber(1)),
  )
  .addOption(
    new Option('--cores <n>', 'cores of each machine; without it, every one').argParser(wholeNumber(1)),
  )
  .option('--once', 'end when all files are ready or failed; exit code 0 only if all are ready')
  .option('--json', 'print one JSON line a video instead of progress')
  .action(async (files: string[], options) => {
    process.exitCode = await runLocal(files, options);
  });

program
  .command('check')
  .description(
    'check any HLS stream against RFC 8216 and Apple’s authoring rules; exit code 0 only without errors',
  )
  .argument('<url|dir>', 'a playlist’s URL, a folder, or a playlist in a folder')
  .option('--json', 'print the report as JSON')
  .action(async (target: string, options) => {
    process.exitCode = await runCheck(target, options);
  });

/** A command that has a platform do something with one video, and prints the answer. */
function videoCommand(name: string, description: string, parent = program): Command {
  return parent
    .command(name)
    .description(description)
    .argument('<id>', 'the video, as `v` in the address of its page')
    .addOption(
      new Option('--url <url>', 'the platform').env('SPOTREEL_URL').default('http://localhost:8080'),
    );
}

/** Reads an option that must be a JSON object. */
function jsonObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // told below
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}

/** Does it and prints what the platform says; its refusal goes to standard error, with exit code 1. */
async function tell(answer: Promise<unknown>): Promise<void> {
  try {
    console.log(JSON.stringify(await answer));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}

videoCommand(
  'retry',
  'let a video that failed go on: what is made is kept, what is missing is queued',
).action((id: string, { url }) => tell(act(url, id, 'retry', {})));

videoCommand('reencode', 'encode a video anew; the present one plays until the new one is whole')
  .addOption(
    new Option('--settings <json>', 'encode settings that differ from the platform’s, e.g. {"preset":"slow"}')
      .default({}, '{}')
      .argParser(jsonObject),
  )
  .action((id: string, { url, settings }) => tell(act(url, id, 'reencode', { settings })));

videoCommand('rollback', 'let an earlier revision play, at once')
  .option('--to <revision>', 'which; otherwise the one before')
  .action((id: string, { url, to }) => tell(act(url, id, 'rollback', { revision: to })));

const subtitles = program
  .command('subtitles')
  .description('the subtitles that are added to a video; nothing is encoded again');

videoCommand('add', 'add a subtitle file: SubRip, WebVTT or ASS, in any usual encoding', subtitles)
  .argument('<file>', 'the file')
  .requiredOption('--language <tag>', 'its language as BCP 47, such as en or pt-BR')
  .option('--name <text>', 'what people choose it by; otherwise the language’s name')
  .addOption(
    new Option('--kind <kind>', 'captions are for the deaf, forced ones have only signs and foreign lines')
      .choices(['subtitles', 'captions', 'forced'])
      .default('subtitles'),
  )
  .option('--default', 'shown until somebody chooses otherwise')
  .action((id: string, file: string, { url, default: isDefault = false, ...said }) => {
    const add = async () =>
      addSubtitles(url, id, { ...said, default: String(isDefault) }, await readFile(file));
    return tell(add());
  });

videoCommand('list', 'list what was added', subtitles).action((id: string, { url }) =>
  tell(listSubtitles(url, id)),
);

videoCommand('remove', 'take added subtitles away', subtitles)
  .argument('<track>', 'the id that add and list print')
  .action((id: string, track: string, { url }) => tell(removeSubtitles(url, id, track)));

await program.parseAsync();
