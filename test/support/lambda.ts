/** What Lambda hands a function besides the event. */
import type { Context } from 'aws-lambda';

/** A call that has seconds left. */
export const lambdaContext = (remainingMs = 30_000): Context => ({
  awsRequestId: 'request-1',
  functionName: 'tested',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:tested',
  memoryLimitInMB: '512',
  logGroupName: '/aws/lambda/tested',
  logStreamName: 'stream',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => remainingMs,
  done() {},
  fail() {},
  succeed() {},
});
