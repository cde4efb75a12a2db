/** How commands end: their exit codes, and what they say on standard error when they fail. */
import { ApiError, ConnectionError } from '../api/client/index.ts';
import { messageOf, plain } from './text.ts';

/** docs/cli.md lists them. */
export const EXIT = {
  done: 0,
  /** Something did not come about: a video failed, a file did not arrive, a platform refused. */
  failed: 1,
  /** Called wrongly: an option, an argument or a file is not what it should be. */
  usage: 2,
  unreachable: 3,
  /** The token is missing, is no good, or may not do that. */
  denied: 4,
} as const;

/** A command that was called wrongly. Its message says with what, and what to do. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What to do about a platform's refusal, by HTTP status. */
const NEXT_STEPS: Readonly<Record<number, string>> = {
  401: 'give a token with --token or SPOTREEL_TOKEN; its owner makes one with: spotreel token create',
  403: 'use a token with that scope; its owner makes one with: spotreel token create',
  404: 'spotreel list shows what there is',
};

/** An error as one sentence with the next step. */
function sentenceOf(error: unknown): string {
  if (error instanceof ConnectionError)
    return `${error.message}: start it with spotreel local (npm start), or name another platform with --url or SPOTREEL_URL`;
  if (!(error instanceof ApiError)) return messageOf(error);
  const { message, status, retryAfter, problem } = error;
  if (!problem) return `${message}, which is not how the API answers: spotreel doctor looks what is there`;
  if (retryAfter !== undefined) return `${message}: try again in ${retryAfter} seconds`;
  const step = NEXT_STEPS[status];
  return step === undefined ? message : `${message}: ${step}`;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof ConnectionError) return EXIT.unreachable;
  if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return EXIT.denied;
  return EXIT.failed;
}

/** What `--json` prints of a file that did not become a video. @param code what kept it from that */
export const failedLine = (file: string, code: 'upload' | 'subtitles', error: unknown): string =>
  JSON.stringify({ file, state: 'failed', failure: { code, message: messageOf(error) } });

/** Says why a command failed, and with what code it ends. The first failure of several decides. */
export function fail(error: unknown, about?: string): void {
  console.error(plain(about === undefined ? sentenceOf(error) : `${about}: ${sentenceOf(error)}`));
  process.exitCode ??= exitCodeOf(error);
}
