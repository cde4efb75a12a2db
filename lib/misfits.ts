/** How what is wrong with settings is said. */
import type { z } from 'zod';
import { misfitsOf } from '../jobs/misfits.ts';

/** What of a setting does not fit its schema, as sentences. */
export function misfits(name: string, schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value);
  return error ? misfitsOf(error, name) : [];
}

/** Throws one `Error` that lists the problems, if there are any. @param what can not be built for them */
export function refuse(problems: readonly string[], what = 'Spotreel'): void {
  if (problems.length > 0) throw new Error(`${what} cannot be built: ${problems.join('; ')}`);
}
