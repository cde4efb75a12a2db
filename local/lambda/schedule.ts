/**
 * A function on a schedule, as an EventBridge rule of a fixed rate invokes it; for the first time at once, so that
 * a start takes up what an earlier one left.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventBridgeEvent } from 'aws-lambda';
import { type FunctionOptions, LambdaFunction } from './function.ts';

export interface ScheduleOptions extends FunctionOptions {
  /** From one invocation's end to the next one's start. */
  readonly everySeconds: number;
  readonly region: string;
}

/** Starts the schedule. What an invocation fails with is logged, and the next one comes as if nothing had been. */
export async function startSchedule(options: ScheduleOptions): Promise<{ close(): Promise<void> }> {
  const { everySeconds, region } = options;
  const lambda = await LambdaFunction.open(options);
  const stopped = new AbortController();
  const { signal } = stopped;
  const running = (async () => {
    while (!signal.aborted) {
      await lambda.invoke(scheduledEvent(region)).catch((error) => lambda.log(error));
      await sleep(everySeconds * 1000, undefined, { signal }).catch(() => {});
    }
  })();
  return {
    async close() {
      stopped.abort();
      await lambda.end();
      await running;
      await lambda.close();
    },
  };
}

/** https://docs.aws.amazon.com/eventbridge/latest/ref/events-ref-scheduled-events.html */
function scheduledEvent(region: string): EventBridgeEvent<'Scheduled Event', object> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: '000000000000',
    time: `${new Date().toISOString().slice(0, 19)}Z`,
    region,
    resources: [],
    detail: {},
  };
}
