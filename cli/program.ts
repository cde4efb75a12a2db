/** The command line: every command. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { DEFAULT_PORT, HIGHEST_PORT } from '../local/ports.ts';
import { runCheck } from './check.ts';
import { addDeploy } from './deploy.ts';
import { addDoctor } from './doctor.ts';
import { EXIT } from './endings.ts';
import { addEstimate } from './estimate.ts';
import { dollars, wholeNumber } from './option-readers.ts';
import { addPlayback } from './playback.ts';
import { addPoster } from './poster.ts';
import { addSpending } from './spending.ts';
import { addSubtitles } from './subtitles.ts';
import { addTokens } from './tokens.ts';
import { addTrace } from './trace.ts';
import { addUpload } from './upload.ts';
import { addVideos } from './videos.ts';
import { addWebhooks } from './webhooks.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(findPackageJSON(import.meta.url) ?? '', 'utf8')));

export const program = new Command('spotreel')
  .description('A video platform that you own.')
  .version(version, '--version', 'print the version')
  .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? EXIT.done : EXIT.usage))
  .addHelpText(
    'after',
    `
Commands that speak to a platform find it by --url or SPOTREEL_URL (http://localhost:8080), and say who asks by
--token or SPOTREEL_TOKEN.

Exit codes: 0 done, 1 failed or refused, 2 called wrongly, 3 the platform does not answer, 4 the token may not.`,
  );

program
  .command('local')
  .description('run the whole platform on this machine: upload, encode, play; no AWS account')
  .argument('[files...]', 'videos to upload at once, each with its subtitles: film.mp4 film.en.srt')
  .addOption(
    new Option('--port <n>', 'port of the pages; S3, SQS, EC2 and MQTT take the next four')
      .default(DEFAULT_PORT)
      .argParser(wholeNumber(0, HIGHEST_PORT)),
  )
  .addOption(new Option('--data <dir>', 'folder that keeps everything').default('.spotreel'))
  .addOption(
    new Option('--workers <n>', 'machines that may run at once').default(1).argParser(wholeNumber(1)),
  )
  .addOption(
    new Option('--cores <n>', 'cores of each machine; without it, every one').argParser(wholeNumber(1)),
  )
  .addOption(
    new Option('--daily-ceiling <usd>', 'what machines may cost a day, as on AWS').argParser(dollars),
  )
  .option('--once', 'end when all files are ready or failed; exit code 0 only if all are ready')
  .option('--json', 'print one JSON line a video instead of progress')
  .action(async (files: string[], options) => {
    // Loaded when it is needed: it is most of what there is.
    const { runLocal } = await import('./local.ts');
    process.exitCode = await runLocal(files, options);
  });

addUpload(program);
addVideos(program);
addTrace(program);
addSubtitles(program);
addPoster(program);
addPlayback(program);
addTokens(program);
addWebhooks(program);
addEstimate(program);
addSpending(program);
addDeploy(program);
addDoctor(program);

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
