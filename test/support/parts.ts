/** Uploads in parts, as the local S3 sees them. */
import type { FaultHooks, S3Fault } from '../../local/faults/hooks.ts';

/** Hears of each part that is sent, by its number, and may do something to it. */
export const partFaults = (onPart: (part: number) => S3Fault | undefined): FaultHooks => ({
  s3Request(method, path) {
    const [, part] = /[?&]partNumber=(\d+)/.exec(path) ?? [];
    return method === 'PUT' && part !== undefined ? onPart(Number(part)) : undefined;
  },
  messageSent: () => 0,
  fleetRequested: () => undefined,
});
