/**
 * A Lambda execution environment: `node runtime.ts ENTRY` imports the entry file and calls the `handler` that it
 * exports for each invocation that comes over the IPC channel, one at a time. Ends with the process that started
 * it.
 */
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';
import { ACCOUNT } from '../aws/account.ts';
import type { Invocation, InvocationResult } from './function.ts';

const entry = process.argv[2];
if (!entry || !process.send) throw new Error('usage, over an IPC channel: node runtime.ts ENTRY');

process.once('disconnect', () => process.exit());

const { handler }: { handler?: unknown } = await import(pathToFileURL(entry).href);
if (typeof handler !== 'function') throw new Error(`${entry} exports no function named 'handler'`);
const call = handler;

process.on('message', async (message) => {
  const invocation = message as Invocation; // only function.ts sends here
  process.send?.(await invoke(invocation));
});

async function invoke({ requestId, event, deadline }: Invocation): Promise<InvocationResult> {
  try {
    return { requestId, result: await call(event, contextOf(requestId, deadline)) };
  } catch (error) {
    console.error(error);
    return { requestId, error: String(error) };
  }
}

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html, without what ended with Node 24: callbacks. */
function contextOf(
  awsRequestId: string,
  deadline: number,
): Omit<Context, 'done' | 'fail' | 'succeed' | 'callbackWaitsForEmptyEventLoop'> {
  const functionName = process.env['AWS_LAMBDA_FUNCTION_NAME'] ?? '';
  return {
    awsRequestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${process.env['AWS_REGION']}:${ACCOUNT}:function:${functionName}`,
    memoryLimitInMB: '128',
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: String(process.pid),
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
}
