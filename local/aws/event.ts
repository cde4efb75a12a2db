/** EventBridge's events. */
import { randomUUID } from 'node:crypto';
import type { EventBridgeEvent } from 'aws-lambda';
import { ACCOUNT } from './account.ts';

/** What somebody tells. */
interface Told {
  readonly source: string;
  readonly detailType: string;
  readonly detail: object;
}

/**
 * What EventBridge makes of it.
 * https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
 */
export const eventBridgeEvent = (
  region: string,
  { source, detailType, detail }: Told,
  time = new Date(),
  resources: readonly string[] = [],
): EventBridgeEvent<string, object> => ({
  version: '0',
  id: randomUUID(),
  'detail-type': detailType,
  source,
  account: ACCOUNT,
  time: `${time.toISOString().slice(0, 19)}Z`,
  region,
  resources: [...resources],
  detail,
});
