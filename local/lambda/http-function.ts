/**
 * What API Gateway's HTTP API is before a function: each request becomes an event of payload format 2.0, and the
 * function's answer a response.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { z } from 'zod';
import { ACCOUNT } from '../aws/account.ts';
import { type Answer, whole } from '../edge/answer.ts';
import { type FunctionOptions, LambdaFunction } from './function.ts';

/** Invocations at once; each has a process of its own, and this is one machine. */
const CONCURRENCY = 4;

/** Methods of which a route can be. */
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

/** Bytes of the largest body that API Gateway takes. */
const BODY_LIMIT = 10 * 1024 * 1024;

const resultSchema = z.object({
  statusCode: z.int(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().default(''),
  isBase64Encoded: z.boolean().default(false),
});

export interface HttpFunction {
  handle(request: IncomingMessage): Promise<Answer>;
  close(): Promise<void>;
}

/** Opens the function; its processes start with the first requests. */
export async function startHttpFunction(options: FunctionOptions): Promise<HttpFunction> {
  const lambda = await LambdaFunction.open(options);
  const running = new Set<Promise<unknown>>();
  const invoke = async (event: APIGatewayProxyEventV2): Promise<unknown> => {
    while (running.size >= CONCURRENCY) await Promise.race(running);
    const run = lambda.invoke(event);
    const settled = run.catch(() => {}).finally(() => running.delete(settled));
    running.add(settled);
    return run;
  };
  return {
    async handle(request) {
      if (!METHODS.includes(request.method ?? '')) return gatewayAnswer(404, 'Not Found');
      const body = await bodyOf(request);
      if (body === undefined) return gatewayAnswer(413, 'Request Too Long');
      try {
        return answerOf(resultSchema.parse(await invoke(eventOf(request, body))));
      } catch (error) {
        await lambda.log(error);
        return gatewayAnswer(500, 'Internal Server Error');
      }
    },
    async close() {
      await lambda.end();
      await Promise.all(running);
      await lambda.close();
    },
  };
}

/** What API Gateway itself answers. */
const gatewayAnswer = (status: number, message: string): Answer =>
  whole(status, { 'content-type': 'application/json' }, JSON.stringify({ message }));

/** A request's body; undefined where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function eventOf(request: IncomingMessage, body: Buffer): APIGatewayProxyEventV2 {
  const { method = 'GET', url = '/' } = request;
  const [path = '/', ...query] = url.split('?');
  const now = new Date();
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: query.join('?'),
    headers: Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(',')]),
    ),
    requestContext: {
      accountId: ACCOUNT,
      apiId: 'local',
      domainName: 'localhost',
      domainPrefix: 'localhost',
      http: {
        method,
        path,
        protocol: 'HTTP/1.1',
        sourceIp: request.socket.remoteAddress ?? '',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: randomUUID(),
      routeKey: '$default',
      stage: '$default',
      time: now.toISOString(),
      timeEpoch: now.getTime(),
    },
    ...(body.length > 0 && { body: body.toString('base64') }),
    isBase64Encoded: body.length > 0,
  };
}

function answerOf({ statusCode, headers, body, isBase64Encoded }: z.infer<typeof resultSchema>): Answer {
  return whole(statusCode, headers, Buffer.from(body, isBase64Encoded ? 'base64' : 'utf8'));
}
