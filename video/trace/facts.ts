/** What is recorded of an encode, as a trace is computed from it. All times are ISO 8601. */
import type { Plan } from '../plan.ts';
import type { Ran } from '../receipt.ts';

/** What its receipt says of a task. */
export interface DoneTask extends Ran {
  readonly task: string;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  /** Folders that it wrote media to: rungs, `audio-0`. */
  readonly renditions: readonly string[];
}

/** A try that came to nothing, as far as its worker could tell. */
export interface FailedTry {
  readonly task: string;
  readonly outcome: 'interrupted' | 'failed';
  readonly startedAt?: string | undefined;
  readonly at: string;
  readonly worker: string;
  /** SQS's count of receives. */
  readonly attempt: number;
}

export interface TraceFacts {
  readonly video: string;
  readonly revision: string;
  /** Of the upload's own encode; a later one begins with its request. */
  readonly upload?: { readonly announcedAt?: string | undefined; readonly receivedAt: string };
  /** By dispatch, or by whoever wanted another encode. */
  readonly requestedAt: string;
  readonly plan?: Plan | undefined;
  readonly planned?: Ran | undefined;
  readonly done: readonly DoneTask[];
  readonly tries: readonly FailedTry[];
  /** When its beginning could be watched. */
  readonly watchableAt?: string | undefined;
  readonly publishingAt?: string | undefined;
  /** When it played for the first time. */
  readonly readyAt?: string | undefined;
  readonly failure?:
    | { readonly code: string; readonly at: string; readonly ran?: Ran & { readonly task: string } }
    | undefined;
}
