/**
 * What EC2 tells of single machines through EventBridge, and whether one wants to be replaced at once.
 *
 * A machine that is interrupted stays `running` for two minutes more, so the sweep that its warning causes leaves it
 * out of what runs. Later sweeps need not know of it: its worker hands its tasks back and powers off within seconds.
 */
import type { EC2Client } from '@aws-sdk/client-ec2';
import type { EventBridgeEvent } from 'aws-lambda';
import { z } from 'zod';
import { launchTimeOf } from './fleet.ts';
import { log } from './log.ts';
import { logMetrics } from './metrics.ts';

/**
 * A machine that ends younger than this, in seconds, did not even boot and idle: its image, its permissions or its
 * network are broken, and replacing it at once would launch machine after machine. The schedule replaces it, once a
 * minute at most.
 */
const YOUNG_SECONDS = 120;

const detailSchema = z.object({ 'instance-id': z.string() });

export type MachineNews = 'interrupted' | 'rebalance-recommended' | 'ended';

/** News by the events' `detail-type`, as `MACHINE_EVENTS` (jobs/platform.ts) subscribes to them. */
const NEWS: Readonly<Record<string, MachineNews>> = {
  'EC2 Spot Instance Interruption Warning': 'interrupted',
  'EC2 Instance Rebalance Recommendation': 'rebalance-recommended',
  'EC2 Instance State-change Notification': 'ended',
};

export interface MachineEvent {
  readonly news: MachineNews;
  readonly instance: string;
  readonly time: Date;
}

/** What an event tells of a machine; undefined where it is another one, such as the schedule's. */
export function parseMachineEvent(event: EventBridgeEvent<string, unknown>): MachineEvent | undefined {
  const news = NEWS[event['detail-type']];
  if (news === undefined) return undefined;
  return { news, instance: detailSchema.parse(event.detail)['instance-id'], time: new Date(event.time) };
}

/** Logs what happened to a machine of ours, and says whether it wants to be replaced without waiting. */
export async function wantsReplacement(
  ec2: EC2Client,
  platform: string,
  { news, instance, time }: MachineEvent,
): Promise<boolean> {
  const launchTime = await launchTimeOf(ec2, platform, instance);
  if (!launchTime) return false; // not ours
  const ageSeconds = (time.getTime() - launchTime.getTime()) / 1000;
  const about = { instance, ageSeconds };
  if (news === 'interrupted') {
    logMetrics('info', 'machine-interrupted', about, { Interruptions: 1 });
    return true;
  }
  log('info', `machine-${news}`, about);
  return news === 'ended' && ageSeconds >= YOUNG_SECONDS;
}
