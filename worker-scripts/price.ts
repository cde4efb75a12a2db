/** What the machine that a worker runs on costs. */
import type { EC2Client } from '@aws-sdk/client-ec2';
import { log } from '../jobs/log.ts';
import { spotPrices } from '../jobs/spot-prices.ts';
import { besideComputing, type Prices } from '../video/prices.ts';
import type { MachinePrice } from '../video/receipt.ts';
import type { InstanceMetadata } from './metadata.ts';

export interface Machine {
  readonly metadata: Pick<InstanceMetadata, 'read'>;
  readonly ec2: EC2Client;
  readonly vcpus: number;
  readonly diskGigabytes: number;
}

/** What one of a machine's vCPUs costs an hour: by its spot price now, or by the list where nobody tells that. */
export async function machinePrice(machine: Machine, prices: Prices): Promise<MachinePrice> {
  const beside = besideComputing(prices, machine.diskGigabytes) / machine.vcpus;
  const spot = await spotPrice(machine).catch((error: unknown) => {
    log('warn', 'machine-not-known', { error: String(error) });
    return undefined;
  });
  return spot === undefined
    ? { usdPerVcpuHour: prices.vcpuHour + beside, from: 'list' }
    : { usdPerVcpuHour: spot / machine.vcpus + beside, from: 'spot' };
}

/** US dollars an hour; undefined where the machine is not on spot, or EC2 does not tell. */
async function spotPrice({ metadata, ec2 }: Machine): Promise<number | undefined> {
  const paths = ['instance-type', 'instance-life-cycle', 'placement/availability-zone'] as const;
  const [type, lifecycle, zone] = await Promise.all(paths.map((path) => metadata.read(path)));
  if (type === undefined || lifecycle !== 'spot') return undefined;
  return (await spotPrices(ec2, [type], zone)).get(type);
}
