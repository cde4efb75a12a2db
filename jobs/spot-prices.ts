/** What machines cost at this moment, as EC2 tells it. */
import { type _InstanceType, DescribeSpotPriceHistoryCommand, type EC2Client } from '@aws-sdk/client-ec2';
import { log } from './log.ts';

/**
 * US dollars an hour of instance types on spot, now: in one zone, or in the dearest of the region. Types that EC2 does not
 * tell of are missing, and all of them where it can not be asked: money is counted by list prices then. Never throws.
 */
export async function spotPrices(
  ec2: EC2Client,
  types: readonly string[],
  zone?: string,
): Promise<ReadonlyMap<string, number>> {
  const prices = new Map<string, number>();
  if (types.length === 0) return prices;
  try {
    const { SpotPriceHistory = [] } = await ec2.send(
      new DescribeSpotPriceHistoryCommand({
        // The SDK's list of types is as old as the SDK.
        InstanceTypes: [...types] as _InstanceType[],
        ProductDescriptions: ['Linux/UNIX'],
        // From now on is what holds now.
        StartTime: new Date(),
        ...(zone !== undefined && { AvailabilityZone: zone }),
      }),
    );
    for (const { InstanceType = '', SpotPrice } of SpotPriceHistory)
      prices.set(InstanceType, Math.max(prices.get(InstanceType) ?? 0, Number(SpotPrice)));
  } catch (error) {
    log('warn', 'spot-prices-not-told', { types, zone, error: String(error) });
  }
  return prices;
}
