/**
 * A Lambda function on a laptop: its unchanged entry file, run in processes of its own with an environment of its
 * own. A process serves one invocation at a time and is kept for the next; one that crashes or takes too long is
 * replaced.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { basename, dirname, extname } from 'node:path';
import { programFile } from '../../jobs/program-file.ts';
import { COMPILED } from '../compiled.ts';

export interface FunctionOptions {
  /** Path of a file that exports `handler`. */
  readonly entry: string;
  /** All that the function finds in its environment, besides `PATH` and what Lambda itself sets. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds after which an invocation is ended. */
  readonly timeoutSeconds: number;
  /** What the function prints, and why invocations failed; its directory is made where it is missing. */
  readonly logFile: string;
}

/** What `runtime.ts` is sent. */
export interface Invocation {
  readonly requestId: string;
  readonly event: unknown;
  /** Milliseconds since 1970. */
  readonly deadline: number;
}

/** What `runtime.ts` answers. */
export interface InvocationResult {
  readonly requestId: string;
  readonly result?: unknown;
  /** What the handler threw. */
  readonly error?: string;
}

const RUNTIME = programFile('local/lambda/runtime.ts');

export class LambdaFunction {
  readonly #options: FunctionOptions;
  readonly #log: FileHandle;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();

  private constructor(options: FunctionOptions, log: FileHandle) {
    this.#options = options;
    this.#log = log;
  }

  /** Opens the log; processes start with the first invocations. */
  static async open(options: FunctionOptions): Promise<LambdaFunction> {
    await mkdir(dirname(options.logFile), { recursive: true });
    return new LambdaFunction(options, await open(options.logFile, 'a'));
  }

  /** Calls the handler. Rejects where it throws, its process ends, or the time is over. */
  async invoke(event: unknown): Promise<unknown> {
    const runtime = this.#idle.pop() ?? this.#start();
    const { requestId, result, error } = await this.#run(runtime, event);
    this.#idle.push(runtime);
    if (error !== undefined) throw new Error(`${this.#options.entry}, request ${requestId}: ${error}`);
    return result;
  }

  async #run(runtime: ChildProcess, event: unknown): Promise<InvocationResult> {
    const { entry, timeoutSeconds } = this.#options;
    const requestId = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<InvocationResult>();
    const onMessage = (message: unknown) => resolve(message as InvocationResult); // only runtime.ts sends here
    const onExit = (code: number | null, signal: string | null) =>
      reject(
        new Error(`${entry}, request ${requestId}: its process ended with ${signal ?? `status ${code}`}`),
      );
    const timer = setTimeout(() => {
      reject(new Error(`${entry}, request ${requestId}: timed out after ${timeoutSeconds} seconds`));
      runtime.kill('SIGKILL');
    }, timeoutSeconds * 1000);
    runtime.once('message', onMessage).once('exit', onExit).once('error', reject);
    const invocation: Invocation = { requestId, event, deadline: Date.now() + timeoutSeconds * 1000 };
    // Where the process has just ended, its `exit` says so better.
    runtime.send(invocation, () => {});
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      runtime.off('message', onMessage).off('exit', onExit).off('error', reject);
    }
  }

  #start(): ChildProcess {
    const { entry, env } = this.#options;
    const runtime = spawn(process.execPath, [RUNTIME, entry], {
      // A session of its own: Ctrl-C in our terminal lets running invocations end.
      detached: true,
      stdio: ['ignore', this.#log.fd, this.#log.fd, 'ipc'],
      env: {
        PATH: process.env['PATH'],
        ...COMPILED,
        // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        AWS_LAMBDA_FUNCTION_NAME: basename(entry, extname(entry)),
        LAMBDA_TASK_ROOT: dirname(entry),
        // By this, SDKs tell in their `User-Agent` where they run.
        AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${process.versions.node.split('.')[0]}.x`,
        TZ: 'UTC',
        // There are no profiles in Lambda; those of whoever owns this laptop must not be found.
        AWS_CONFIG_FILE: '/dev/null',
        AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
        ...env,
      },
    });
    this.#all.add(runtime);
    runtime.once('exit', () => {
      this.#all.delete(runtime);
      const index = this.#idle.indexOf(runtime);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    return runtime;
  }

  /** Writes a line into the function's log. */
  async log(error: unknown): Promise<void> {
    const message = error instanceof Error ? error.message : String(error);
    await this.#log.appendFile(`${new Date().toISOString()} ${message}\n`);
  }

  /** Ends all processes; invocations that run reject. */
  async end(): Promise<void> {
    const exits = [...this.#all].map((runtime) => once(runtime, 'exit'));
    for (const runtime of this.#all) runtime.kill('SIGKILL');
    await Promise.all(exits);
  }

  /** Closes the log; the last call. */
  async close(): Promise<void> {
    await this.#log.close();
  }
}
