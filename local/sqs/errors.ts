/**
 * SQS's errors: the name in the JSON protocol, the code in the Query protocol, which JSON answers repeat in
 * `x-amzn-query-error`, and the HTTP status.
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/CommonErrors.html
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#awsquerycompatible-trait
 */

const LEGACY = 'AWS.SimpleQueueService.';

const ERRORS = {
  AccessDeniedException: { code: 'AccessDenied', status: 403 },
  BatchEntryIdsNotDistinct: { code: `${LEGACY}BatchEntryIdsNotDistinct`, status: 400 },
  BatchRequestTooLong: { code: `${LEGACY}BatchRequestTooLong`, status: 400 },
  EmptyBatchRequest: { code: `${LEGACY}EmptyBatchRequest`, status: 400 },
  InvalidAttributeName: { code: 'InvalidAttributeName', status: 400 },
  InvalidAttributeValue: { code: 'InvalidAttributeValue', status: 400 },
  InvalidBatchEntryId: { code: `${LEGACY}InvalidBatchEntryId`, status: 400 },
  InvalidMessageContents: { code: 'InvalidMessageContents', status: 400 },
  InvalidParameterValueException: { code: 'InvalidParameterValue', status: 400 },
  MissingRequiredParameterException: { code: 'MissingParameter', status: 400 },
  PurgeQueueInProgress: { code: `${LEGACY}PurgeQueueInProgress`, status: 403 },
  QueueDoesNotExist: { code: `${LEGACY}NonExistentQueue`, status: 400 },
  QueueNameExists: { code: 'QueueAlreadyExists', status: 400 },
  ReceiptHandleIsInvalid: { code: 'ReceiptHandleIsInvalid', status: 404 },
  SerializationException: { code: 'MalformedInput', status: 400 },
  TooManyEntriesInBatchRequest: { code: `${LEGACY}TooManyEntriesInBatchRequest`, status: 400 },
  UnknownOperationException: { code: 'InvalidAction', status: 400 },
} as const;

export class SqsError extends Error {
  override readonly name: keyof typeof ERRORS;
  /** The error's code in the Query protocol. */
  readonly code: string;
  readonly status: number;

  constructor(name: keyof typeof ERRORS, message: string) {
    super(message);
    this.name = name;
    this.code = ERRORS[name].code;
    this.status = ERRORS[name].status;
  }
}

/** SQS's most common refusal: a parameter whose value is outside of what it may be. */
export function invalidParameter(name: string, value: unknown, reason: string): SqsError {
  return new SqsError(
    'InvalidParameterValueException',
    `Value ${value} for parameter ${name} is invalid. Reason: ${reason}`,
  );
}
