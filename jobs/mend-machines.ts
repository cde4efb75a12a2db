/**
 * Machines that should be gone: past their lifetime, or without a heartbeat. Every machine ends itself (bootstrap.sh);
 * this is for those that can not, because their boot or their kernel hangs.
 */
import { type EC2Client, type Instance, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { presentInstances } from './fleet.ts';
import { logMetrics } from './metrics.ts';
import type { ObjectStore } from './store.ts';
import { forgetWorker, listWorkers } from './workers.ts';

const MINUTE = 60_000;

/** Milliseconds from launch to the first heartbeat: a boot, with five tries to install, takes less. */
const BOOT_MS = 20 * MINUTE;
/** Milliseconds without a heartbeat after which a worker hangs: ten were lost. */
const SILENT_MS = 10 * MINUTE;
/** Milliseconds beyond its lifetime in which a machine's own power-off may take effect. */
const GRACE_MS = 15 * MINUTE;
/** Milliseconds after which the heartbeat of a machine that is gone is deleted. */
const FORGET_MS = 60 * MINUTE;

export interface MachineMender {
  readonly ec2: EC2Client;
  readonly uploads: ObjectStore;
  readonly platform: string;
  readonly maxLifetimeSeconds: number;
  readonly now: Date;
}

/** Terminates machines that should be gone, and forgets the workers of those that are. */
export async function mendMachines(mender: MachineMender): Promise<void> {
  const { ec2, uploads, platform, now } = mender;
  const lastSeen = new Map<string, Date>();
  for (const { id, lastSeenAt } of await listWorkers(uploads)) lastSeen.set(id, new Date(lastSeenAt));

  for await (const instance of presentInstances(ec2, platform)) {
    const id = instance.InstanceId ?? ''; // never sent without, though typed so
    const reason = reasonToEnd(mender, instance, lastSeen.get(id));
    lastSeen.delete(id);
    if (reason === undefined) continue;
    logMetrics('error', 'machine-terminated', { instance: id, reason }, { SilentMachines: 1 });
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [id] }));
  }
  for (const [id, seen] of lastSeen)
    if (now.getTime() - seen.getTime() > FORGET_MS) await forgetWorker(uploads, id);
}

/** Why a machine should be gone; undefined where it may stay. */
function reasonToEnd(
  { maxLifetimeSeconds, now }: MachineMender,
  { LaunchTime }: Instance,
  seen: Date | undefined,
): string | undefined {
  const age = now.getTime() - (LaunchTime ?? now).getTime();
  const minutes = (ms: number) => `${Math.round(ms / MINUTE)} minutes`;
  if (age > maxLifetimeSeconds * 1000 + GRACE_MS) return `it is ${minutes(age)} old, past its lifetime`;
  if (age < BOOT_MS) return undefined;
  if (!seen) return `it is ${minutes(age)} old and its worker never reported`;
  const silent = now.getTime() - seen.getTime();
  return silent > SILENT_MS ? `its worker has been silent for ${minutes(silent)}` : undefined;
}
