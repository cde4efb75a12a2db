/** AWS's JSON protocol, version 1.1: the action in `x-amz-target`, its input and its answer as JSON. */
import type { RequestListener } from 'node:http';
import { z } from 'zod';
import { type Authorize, accessKeyOf, allowAll } from '../iam/iam.ts';
import type { Call } from '../iam/policy.ts';
import { apiListener } from './http.ts';

const JSON_TYPE = 'application/x-amz-json-1.1';

/** What an API answers with where it can not do what it was asked. */
export class JsonApiError extends Error {
  /** @param type as the API's reference calls it */
  constructor(type: string, message: string) {
    super(message);
    this.name = type;
  }
}

/** The error that a caller is told of; undefined of a fault of ours. */
function told(error: unknown): JsonApiError | undefined {
  if (error instanceof JsonApiError) return error;
  if (error instanceof z.ZodError || error instanceof SyntaxError)
    return new JsonApiError('ValidationException', error.message);
  return undefined;
}

export interface JsonApi {
  /** What `x-amz-target` has before the action's dot. */
  readonly service: string;
  /** @default everybody may do everything */
  readonly authorize: Authorize | undefined;
  /** The permission that an action asks for. */
  callOf(action: string, input: unknown): Call;
  /** Gives the answer; what zod refuses is the caller's mistake. */
  perform(action: string, input: unknown): Promise<object>;
}

/** Listens to an API's actions. */
export const jsonApiListener = ({
  service,
  authorize = allowAll,
  callOf,
  perform,
}: JsonApi): RequestListener =>
  apiListener(async ({ headers, body }) => {
    const action = String(headers['x-amz-target'] ?? '').slice(service.length + 1);
    const reply = (status: number, value: object) => ({
      status,
      headers: { 'content-type': JSON_TYPE },
      body: JSON.stringify(value),
    });
    try {
      const input: unknown = JSON.parse(body);
      const call = callOf(action, input);
      if (!authorize(accessKeyOf(headers), call))
        throw new JsonApiError('AccessDeniedException', `${call.action} on ${call.resource} is not allowed`);
      return reply(200, await perform(action, input));
    } catch (error) {
      const problem = told(error);
      if (!problem) throw error;
      return reply(400, { __type: problem.name, message: problem.message });
    }
  });
