/** The protocol of today's SDKs. https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html */
import type { IncomingHttpHeaders } from 'node:http';
import { SqsError } from './errors.ts';

export const JSON_TYPE = 'application/x-amz-json-1.0';
const TARGET = 'AmazonSQS.';

/** The action, if a request is of this protocol. */
export function jsonAction(headers: IncomingHttpHeaders): string | undefined {
  const target = headers['x-amz-target'];
  return typeof target === 'string' && target.startsWith(TARGET) ? target.slice(TARGET.length) : undefined;
}

/** Throws an `SqsError` where the body is not an object of JSON. */
export function parseJsonInput(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new SqsError('SerializationException', 'The body of the request is not a JSON object.');
  return { ...value };
}

export function formatJsonError(error: SqsError) {
  return {
    headers: { 'content-type': JSON_TYPE, 'x-amzn-query-error': `${error.code};Sender` },
    body: JSON.stringify({ __type: `com.amazonaws.sqs#${error.name}`, message: error.message }),
  };
}
