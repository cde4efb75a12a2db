/** A name's part for what is never changed, but gives way to another. */
import { createHash } from 'node:crypto';

/** @param content of which CDK's tokens are resolved, for they are numbered anew in each synthesis */
export const contentHash = (content: unknown): string =>
  createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 16);
