/**
 * CloudWatch Logs, as far as a worker needs it: two actions of its JSON protocol, signed with the machine's role. The
 * service's own client would be the largest part of the worker for two calls.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { SignatureV4 } from '@smithy/signature-v4';

/** Milliseconds after which a call is given up. */
const LIMIT_MS = 5000;

/** What CloudWatch Logs answered instead of doing what it was asked. */
export class LogsError extends Error {
  override readonly name = 'LogsError';
  /** As the API's reference calls it: `ResourceAlreadyExistsException`. */
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Calls an action. Throws a `LogsError` where the service refuses, and what `fetch` throws where it is out of reach. */
export type CallLogs = (action: 'CreateLogStream' | 'PutLogEvents', input: object) => Promise<void>;

/**
 * Opens CloudWatch Logs.
 * @param url where it listens
 * @param aws a client that knows region, credentials and how to hash
 */
export function openLogs(url: string, { config }: Pick<S3Client, 'config'>): CallLogs {
  const { region, credentials, sha256 } = config;
  const signer = new SignatureV4({ service: 'logs', region, credentials, sha256 });
  const { protocol, hostname, port, host } = new URL(url);
  return async (action, input) => {
    const { headers, body } = await signer.sign({
      method: 'POST',
      protocol,
      hostname,
      ...(port !== '' && { port: Number(port) }),
      path: '/',
      query: {},
      headers: {
        host,
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `Logs_20140328.${action}`,
      },
      body: JSON.stringify(input),
    });
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(LIMIT_MS),
    });
    const answer = await response.text();
    if (!response.ok) throw refusal(response.status, answer);
  };
}

function refusal(status: number, answer: string): LogsError {
  const type = /"__type"\s*:\s*"(?:[^"#]*#)?(\w+)"/.exec(answer)?.[1] ?? `HTTP ${status}`;
  return new LogsError(type, `CloudWatch Logs answered ${status}: ${answer.slice(0, 500)}`);
}
