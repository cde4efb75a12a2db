/**
 * What is the same around every Lambda function's work: its log lines say which function and request wrote them, and a
 * call that fails, or that Lambda is about to end, is counted. What the function throws, Lambda hears as before.
 */
import type { Context } from 'aws-lambda';
import { logAlways, withLogFields } from './log.ts';
import { logMetrics } from './metrics.ts';

/** Milliseconds before its timeout at which a call counts as one that ran into it. */
const LATE_MS = 500;

/**
 * A handler around some work.
 * @param name the function's, as the table of metrics counts by
 * @param platform names this deployment
 */
export function invocations<Event, Result>(
  name: string,
  platform: string,
  work: (event: Event, context: Context) => Promise<Result>,
): (event: Event, context: Context) => Promise<Result> {
  logAlways({ platform, function: name });
  return (event, context) =>
    withLogFields({ requestId: context.awsRequestId }, async () => {
      let errors = 1;
      // Nobody hears of it after the timeout, so that who makes it in the last moment is counted, too.
      const late = setTimeout(() => {
        logMetrics('error', 'function-late', {}, { FunctionErrors: errors });
        errors = 0;
      }, context.getRemainingTimeInMillis() - LATE_MS);
      try {
        return await work(event, context);
      } catch (error) {
        logMetrics('error', 'function-failed', { error: String(error) }, { FunctionErrors: errors });
        throw error;
      } finally {
        clearTimeout(late);
      }
    });
}
