/**
 * The older of SQS's protocols: form fields in, XML out. Its lists and maps have names of their own, which these
 * tables turn into those of the JSON protocol and back.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-making-api-requests-xml.html
 */
import { listOf, parseQuery, type QueryFields, type QueryValue } from '../aws/query.ts';
import { type XmlContent, xmlDocument } from '../aws/xml.ts';
import type { SqsError } from './errors.ts';

const NAMESPACE = 'http://queue.amazonaws.com/doc/2012-11-05/';

const INPUT_LISTS: Readonly<Record<string, string>> = {
  AttributeName: 'AttributeNames',
  MessageAttributeName: 'MessageAttributeNames',
  MessageSystemAttributeName: 'MessageSystemAttributeNames',
  SendMessageBatchRequestEntry: 'Entries',
  DeleteMessageBatchRequestEntry: 'Entries',
  ChangeMessageVisibilityBatchRequestEntry: 'Entries',
};

/** Lists of `Name` and `Value`. */
const INPUT_MAPS: Readonly<Record<string, string>> = {
  Attribute: 'Attributes',
  MessageAttribute: 'MessageAttributes',
  MessageSystemAttribute: 'MessageSystemAttributes',
};

/** Element of each of an output's lists; `Successful` is named after its action. */
const OUTPUT_LISTS: Readonly<Record<string, string>> = {
  QueueUrls: 'QueueUrl',
  Messages: 'Message',
  Failed: 'BatchResultErrorEntry',
};

const OUTPUT_MAPS: Readonly<Record<string, string>> = {
  Attributes: 'Attribute',
  MessageAttributes: 'MessageAttribute',
};

export interface QueryRequest {
  readonly action: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** @param path the request's, which old clients let name the queue instead of `QueueUrl` */
export function parseQueryRequest(body: string, path: string): QueryRequest {
  const { Action, ...rest } = parseQuery(body);
  const input = inputOf(rest);
  const QueueUrl = input['QueueUrl'] ?? (path === '/' ? undefined : path);
  return { action: String(Action), input: QueueUrl === undefined ? input : { ...input, QueueUrl } };
}

function inputOf(fields: QueryFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      const list = INPUT_LISTS[name];
      if (list !== undefined) return [list, listOf(value).map(itemOf)];
      const map = INPUT_MAPS[name];
      if (map !== undefined) return [map, Object.fromEntries(listOf(value).map(pairOf))];
      return [name, value];
    }),
  );
}

const itemOf = (value: QueryValue): unknown => (typeof value === 'string' ? value : inputOf(value));

function pairOf(value: QueryValue): [string, unknown] {
  if (typeof value === 'string') return [value, undefined];
  return [String(value['Name']), value['Value']];
}

/** The answer to an action, in XML. */
export function formatQueryAnswer(
  action: string,
  output: Record<string, unknown>,
  requestId: string,
): string {
  const result = outputOf(output, `${action}ResultEntry`);
  return xmlDocument(`${action}Response`, NAMESPACE, {
    [`${action}Result`]: Object.keys(output).length > 0 ? result : undefined,
    ResponseMetadata: { RequestId: requestId },
  });
}

export function formatQueryError({ code, message }: SqsError, requestId: string): string {
  return xmlDocument('ErrorResponse', NAMESPACE, {
    Error: { Type: 'Sender', Code: code, Message: message, Detail: {} },
    RequestId: requestId,
  });
}

function outputOf(output: Record<string, unknown>, successful: string): { [name: string]: XmlContent } {
  return Object.fromEntries(
    Object.entries(output).map(([name, value]): [string, XmlContent] => {
      const list = name === 'Successful' ? successful : OUTPUT_LISTS[name];
      if (list !== undefined && Array.isArray(value))
        return [list, value.map((item) => contentOf(item, successful))];
      const map = OUTPUT_MAPS[name];
      if (map !== undefined && typeof value === 'object' && value !== null)
        return [
          map,
          Object.entries(value).map(([Name, Value]) => ({ Name, Value: contentOf(Value, successful) })),
        ];
      return [name, contentOf(value, successful)];
    }),
  );
}

function contentOf(value: unknown, successful: string): XmlContent {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null) return outputOf({ ...value }, successful);
  return String(value);
}
