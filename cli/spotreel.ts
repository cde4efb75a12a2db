#!/usr/bin/env node
/** The command line: parses, calls, prints. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { runLocal } from './local.ts';

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
  .argument('[files...]', 'videos to upload at once')
  .addOption(
    new Option('--port <n>', 'port of the pages; S3, SQS and EC2 take the next three')
      .default(8080)
      .argParser(wholeNumber(0)),
  )
  .addOption(new Option('--data <dir>', 'folder that keeps everything').default('.spotreel'))
  .addOption(
    new Option('--workers <n>', 'machines that may run at once').default(1).argParser(wholeNumber(1)),
  )
  .option('--once', 'end when all files are ready or failed; exit code 0 only if all are ready')
  .option('--json', 'print one JSON line a video instead of progress')
  .action(async (files: string[], options) => {
    process.exitCode = await runLocal(files, options);
  });

await program.parseAsync();
