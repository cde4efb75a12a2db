/** What those are told, and may do, who launch machines or count what they cost. */
import type { Size } from 'aws-cdk-lib';
import { LEDGER_KEY, SPENDING_PREFIX } from '../jobs/names.ts';
import type { OwnPrices } from '../video/prices.ts';
import { mayList, type Permission } from './allow.ts';
import type { Storage } from './storage.ts';

export interface SpendingProps {
  /** US dollars a day and a month that machines may cost. */
  readonly dailyCeiling: number;
  readonly monthlyCeiling: number;
  readonly prices: OwnPrices;
  readonly rootVolume: Size;
}

export const spendingEnvironment = (props: SpendingProps) => ({
  DAILY_CEILING: String(props.dailyCeiling),
  MONTHLY_CEILING: String(props.monthlyCeiling),
  DISK_GIGABYTES: String(props.rootVolume.toGibibytes()),
  PRICES: JSON.stringify(props.prices),
});

/** Reading the ledger of what machines cost, and writing it. */
export const ledgerOf = ({ uploads }: Storage): Permission[] => [
  { actions: ['s3:GetObject', 's3:PutObject'], resources: [uploads.arnForObjects(LEDGER_KEY)] },
  // For 404 instead of 403 while there is none.
  mayList(uploads, SPENDING_PREFIX),
];
