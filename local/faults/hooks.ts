/** Where the services of the laptop let themselves be disturbed. Without hooks, nothing asks and nothing is lost. */
import type { IncomingHttpHeaders } from 'node:http';

/** What becomes of an S3 request. */
export interface S3Fault {
  /**
   * Answer 503 SlowDown, either instead of carrying the request out, or after: then the work is done and only its
   * answer is lost, which a client can not tell apart.
   */
  readonly refuse?: 'before' | 'after';
  /** Milliseconds between the answer's headers and its body. */
  readonly slowMs?: number;
}

export interface FaultHooks {
  /** Asked by S3 for every request. @param path percent-encoded, with the query */
  s3Request(method: string, path: string, headers: IncomingHttpHeaders): S3Fault | undefined;
  /** Told by SQS of every message that is sent. @returns seconds by which it comes later */
  messageSent(queue: string, content: { readonly body: string; readonly group: string | undefined }): number;
  /** Asked by EC2 for every CreateFleet. @returns the code with which all of it is refused */
  fleetRequested(): string | undefined;
}
