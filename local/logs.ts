/**
 * CloudWatch Logs on a laptop: takes the lines of workers, a file a stream, below a folder. Checks what PutLogEvents demands.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 */
import { access, appendFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Listening, listen } from './aws/http.ts';
import { JsonApiError, jsonApiListener } from './aws/json-api.ts';
import type { Authorize } from './iam/iam.ts';

export interface LogsOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  /** Of the one group that there is: its streams' files. */
  readonly folder: string;
  readonly group: string;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
}

const MAX_BATCH_BYTES = 1_048_576;
const EVENT_BYTES = 26;
const DAY_MS = 24 * 3_600_000;

const streamSchema = z.object({
  logGroupName: z.string(),
  // It becomes a file's name.
  logStreamName: z.string().regex(/^[\w-]+$/),
});
const putSchema = streamSchema.extend({
  logEvents: z
    .array(z.object({ timestamp: z.int().nonnegative(), message: z.string().min(1) }))
    .min(1)
    .max(10_000),
});

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Why a batch is refused; undefined of a good one. */
function problemOf(events: z.infer<typeof putSchema>['logEvents']): string | undefined {
  const bytes = events.reduce((sum, { message }) => sum + Buffer.byteLength(message) + EVENT_BYTES, 0);
  if (bytes > MAX_BATCH_BYTES) return `Upload too large: ${bytes} bytes exceeds limit of ${MAX_BATCH_BYTES}`;
  const times = events.map(({ timestamp }) => timestamp);
  if (times.some((time, index) => time < (times[index - 1] ?? 0)))
    return 'Log events in a single PutLogEvents request must be in chronological order.';
  if ((times.at(-1) ?? 0) - (times[0] ?? 0) > DAY_MS)
    return 'The batch of log events in a single PutLogEvents request cannot span more than 24 hours.';
  return undefined;
}

/** Starts it on the loopback interface. Rejects where the port is taken or the folder cannot be made. */
export async function startLogs(options: LogsOptions): Promise<Listening> {
  const { folder, group, region } = options;
  await mkdir(folder, { recursive: true });
  const fileOf = ({ logGroupName, logStreamName }: z.infer<typeof streamSchema>) => {
    if (logGroupName !== group)
      throw new JsonApiError('ResourceNotFoundException', 'The specified log group does not exist.');
    return join(folder, `${logStreamName}.log`);
  };
  const perform = async (action: string, input: unknown): Promise<object> => {
    if (action === 'CreateLogStream') {
      const file = fileOf(streamSchema.parse(input));
      if (await isThere(file))
        throw new JsonApiError('ResourceAlreadyExistsException', 'The specified log stream already exists');
      await writeFile(file, '');
      return {};
    }
    if (action !== 'PutLogEvents')
      throw new JsonApiError('ValidationException', `${action} is not built here`);
    const put = putSchema.parse(input);
    const file = fileOf(put);
    if (!(await isThere(file)))
      throw new JsonApiError('ResourceNotFoundException', 'The specified log stream does not exist.');
    const problem = problemOf(put.logEvents);
    if (problem !== undefined) throw new JsonApiError('InvalidParameterException', problem);
    await appendFile(file, put.logEvents.map(({ message }) => `${message}\n`).join(''));
    return {};
  };
  return listen(
    options.port,
    jsonApiListener({
      service: 'Logs_20140328',
      authorize: options.authorize,
      callOf: (action) => ({
        action: `logs:${action}`,
        resource: `arn:aws:logs:${region}:000000000000:log-group:${group}`,
      }),
      perform,
    }),
  );
}
