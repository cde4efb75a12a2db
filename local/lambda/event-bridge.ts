/**
 * What EventBridge does for a function on a laptop: it calls it at a fixed rate, for the first time at once, so that
 * a start takes up what an earlier one left; and with those of EC2's events that the function's rules match.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventBridgeEvent } from 'aws-lambda';
import type { MachineEventPattern } from '../../jobs/platform.ts';
import { eventBridgeEvent } from '../aws/event.ts';
import { type FunctionOptions, LambdaFunction } from './function.ts';

const SCHEDULED = { source: 'aws.events', detailType: 'Scheduled Event', detail: {} };

export interface EventBridgeOptions extends FunctionOptions {
  /** From one scheduled invocation's end to the next one's start. */
  readonly everySeconds: number;
  /** EC2's events that the function hears. */
  readonly machineEvents: readonly MachineEventPattern[];
  readonly region: string;
}

/** An event of EC2, without what EventBridge wraps it in. */
export interface Ec2Event {
  readonly detailType: string;
  readonly detail: { readonly 'instance-id': string; readonly state?: string };
}

export interface EventBridge {
  /** Takes an event of EC2. Where a rule matches, calls the function, and resolves when that has ended. */
  put(event: Ec2Event): Promise<void>;
  close(): Promise<void>;
}

/** Starts the schedule. What an invocation fails with is logged, and the next one comes as if nothing had been. */
export async function startEventBridge(options: EventBridgeOptions): Promise<EventBridge> {
  const { everySeconds, machineEvents, region } = options;
  const lambda = await LambdaFunction.open(options);
  const stopped = new AbortController();
  const { signal } = stopped;
  const invoke = (event: EventBridgeEvent<string, object>) =>
    lambda.invoke(event).then(
      () => {},
      (error) => lambda.log(error),
    );
  const running = new Set<Promise<void>>();
  const schedule = (async () => {
    while (!signal.aborted) {
      await invoke(eventBridgeEvent(region, SCHEDULED));
      await sleep(everySeconds * 1000, undefined, { signal }).catch(() => {});
    }
  })();
  return {
    async put(event) {
      if (signal.aborted || !machineEvents.some((pattern) => matches(pattern, event))) return;
      const call = invoke(eventBridgeEvent(region, { source: 'aws.ec2', ...event }));
      running.add(call);
      await call;
      running.delete(call);
    },
    async close() {
      stopped.abort();
      await lambda.end();
      await Promise.all([schedule, ...running]);
      await lambda.close();
    },
  };
}

function matches({ detailType, states }: MachineEventPattern, event: Ec2Event): boolean {
  return detailType === event.detailType && (!states || states.includes(event.detail.state ?? ''));
}
