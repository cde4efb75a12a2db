/** What can go wrong for a client, each as an error of its own whose message is a sentence for people. */
import type { ProblemCode } from '../problems.ts';
import type { Problem } from '../schemas.ts';

/** The platform refused a request. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP's. */
  readonly status: number;
  /** RFC 9457; undefined where something in front of the API answered. */
  readonly problem: Problem | undefined;
  /** Seconds to wait before another try, where the platform says so. */
  readonly retryAfter: number | undefined;

  constructor(message: string, status: number, problem?: Problem, retryAfter?: number) {
    super(message);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }

  /** Which of the API's problems it is. */
  get code(): ProblemCode | undefined {
    return this.problem?.type.split('#')[1] as ProblemCode | undefined; // the API's `type` is made of one
  }
}

/** Nothing answers where the platform should be. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
}

/** Bytes did not get to S3. Never tells the URL: whoever has it may write there. */
export class UploadError extends Error {
  override readonly name = 'UploadError';
  /** HTTP's; undefined where no answer came. */
  readonly status: number | undefined;

  constructor(message: string, status?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}
