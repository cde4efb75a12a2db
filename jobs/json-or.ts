/** Settings that are structures: as they stand in a file, or as JSON text on a command line. */
import { z } from 'zod';

/** JSON text, or what it would be. */
export const jsonOr = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value, context) => {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      context.addIssue({
        code: 'custom',
        message: `is not JSON: ${value}; docs/deploying.md says what it takes`,
      });
      return z.NEVER;
    }
  }, schema);
