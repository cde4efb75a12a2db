/**
 * Amazon SQS on a laptop: the AWS SDKs, the AWS CLI and anything else that speaks either of SQS's protocols works
 * against it unchanged. Signed or not, every request on the loopback interface is taken, but those that are signed
 * with the key of a role that may not make them.
 */
import type { QueueSettings } from '../../jobs/platform.ts';
import { ACCOUNT } from '../aws/account.ts';
import { type ApiAnswer, type ApiRequest, apiListener, listen } from '../aws/http.ts';
import type { FaultHooks } from '../faults/hooks.ts';
import { type Authorize, accessKeyOf, allowAll } from '../iam/iam.ts';
import { attributesOf } from './attributes.ts';
import { Broker } from './broker.ts';
import { SqsError } from './errors.ts';
import { formatJsonError, JSON_TYPE, jsonAction, parseJsonInput } from './json-protocol.ts';
import { type Outcome, perform } from './operations.ts';
import { callOf } from './permissions.ts';
import { formatQueryAnswer, formatQueryError, parseQueryRequest } from './query-protocol.ts';
import type { MessageView } from './queue.ts';

export interface SqsOptions {
  /** Directory of the journal; made where it is missing. One process at a time may use it. */
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  /** Queues that are there from the start, set exactly so; `deadLetterQueue` names another of them. */
  readonly queues: ReadonlyArray<{
    readonly name: string;
    readonly settings: QueueSettings;
    readonly deadLetterQueue?: string;
  }>;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
  /** Disturbs deliveries, for tests of those who receive. */
  readonly faults?: FaultHooks;
}

export interface Sqs {
  readonly url: string;
  readonly port: number;
  queueUrl(name: string): string;
  /** Sends a message; resolves when it is on the disk. */
  send(name: string, body: string, group?: string): Promise<void>;
  /** What is in a queue. */
  messages(name: string): MessageView[];
  /** Answers what waits with nothing, and closes the journal. */
  close(): Promise<void>;
}

/** Starts SQS on the loopback interface. Rejects where the port or the directory cannot be used. */
export async function startSqs(options: SqsOptions): Promise<Sqs> {
  const { dataDir, port, region, queues, faults, authorize = allowAll } = options;
  const broker = new Broker(region, faults);
  await broker.open(dataDir);
  for (const { name, settings, deadLetterQueue } of queues)
    broker.put(name, attributesOf(settings, deadLetterQueue && broker.arnOf(deadLetterQueue)));
  await broker.flushed();

  const listener = apiListener((request) => answer(request, broker, authorize));
  const server = await listen(port, listener).catch(async (error) => {
    await broker.close();
    throw error;
  });
  return {
    url: server.url,
    port: server.port,
    queueUrl: (name) => `${server.url}/${ACCOUNT}/${name}`,
    async send(name, body, group) {
      const content = { body, attributes: {}, systemAttributes: {}, group };
      broker.byName(name).send([content]);
      await broker.flushed();
    },
    messages: (name) => broker.byName(name).messages(),
    async close() {
      await server.close();
      await broker.close();
    },
  };
}

async function answer(request: ApiRequest, broker: Broker, authorize: Authorize): Promise<ApiAnswer> {
  const action = jsonAction(request.headers);
  return action === undefined
    ? answerQuery(request, broker, authorize)
    : answerJson(action, request, broker, authorize);
}

async function answerJson(
  action: string,
  request: ApiRequest,
  broker: Broker,
  authorize: Authorize,
): Promise<ApiAnswer> {
  try {
    const { output, undo } = await run(action, parseJsonInput(request.body), request, broker, authorize);
    const headers = { 'content-type': JSON_TYPE };
    return { status: 200, headers, body: JSON.stringify(output), ...(undo && { undelivered: undo }) };
  } catch (error) {
    if (!(error instanceof SqsError)) throw error;
    return { status: error.status, ...formatJsonError(error) };
  }
}

async function answerQuery(request: ApiRequest, broker: Broker, authorize: Authorize): Promise<ApiAnswer> {
  const headers = { 'content-type': 'text/xml' };
  try {
    const { action, input } = parseQueryRequest(request.body, request.path);
    const { output, undo } = await run(action, input, request, broker, authorize);
    const body = formatQueryAnswer(action, output, request.id);
    return { status: 200, headers, body, ...(undo && { undelivered: undo }) };
  } catch (error) {
    if (!(error instanceof SqsError)) throw error;
    return { status: error.status, headers, body: formatQueryError(error, request.id) };
  }
}

/** Performs an action; resolves when all that it did is on the disk. */
async function run(
  action: string,
  input: Readonly<Record<string, unknown>>,
  { headers, gone }: ApiRequest,
  broker: Broker,
  authorize: Authorize,
): Promise<Outcome> {
  const call = callOf(action, input, (name) => broker.arnOf(name));
  if (!authorize(accessKeyOf(headers), call))
    throw new SqsError('AccessDeniedException', `${call.action} on ${call.resource} is not allowed`);
  // URLs of queues have the host that the client knows this one by; SDKs warn when they differ.
  const urlOf = (name: string) => `http://${headers.host}/${ACCOUNT}/${name}`;
  const outcome = await perform(action, input, { broker, urlOf, gone });
  await broker.flushed();
  return outcome;
}
