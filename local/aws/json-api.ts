/** AWS's JSON protocol, version 1.1: the action in `x-amz-target`, its input and its answer as JSON. */
import type { RequestListener } from 'node:http';
import { z } from 'zod';
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

/**
 * Listens to an API's actions.
 * @param service what `x-amz-target` has before the action's dot
 * @param perform gives the answer; what zod refuses is the caller's mistake
 */
export const jsonApiListener = (
  service: string,
  perform: (action: string, input: unknown) => Promise<object>,
): RequestListener =>
  apiListener(async ({ headers, body }) => {
    const action = String(headers['x-amz-target'] ?? '').slice(service.length + 1);
    const reply = (status: number, value: object) => ({
      status,
      headers: { 'content-type': JSON_TYPE },
      body: JSON.stringify(value),
    });
    try {
      return reply(200, await perform(action, JSON.parse(body)));
    } catch (error) {
      const problem = told(error);
      if (!problem) throw error;
      return reply(400, { __type: problem.name, message: problem.message });
    }
  });
