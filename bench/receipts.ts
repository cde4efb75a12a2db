/** What the receipts of everything that a platform has encoded come to. */
import { JOBS_PREFIX } from '../jobs/names.ts';
import type { Stores } from '../jobs/publish.ts';
import { receiptSchema } from '../video/receipt.ts';

export interface Total {
  /** CPU seconds of ffmpeg. */
  readonly cpu: number;
  readonly chunks: number;
}

export async function totalOf({ uploads }: Stores): Promise<Total> {
  let cpu = 0;
  let chunks = 0;
  for await (const { key } of uploads.list(JOBS_PREFIX)) {
    if (!key.includes('/done/')) continue;
    const receipt = await uploads.getJson(key, receiptSchema);
    cpu += receipt?.cpuSeconds ?? 0;
    if (receipt?.task.startsWith('chunk')) chunks++;
  }
  return { cpu, chunks };
}
