/** How what is wrong with settings is said. */
import type { z } from 'zod';

/** What of a setting does not fit its schema, as sentences. */
export const misfits = (name: string, schema: z.ZodType, value: unknown): string[] =>
  (schema.safeParse(value).error?.issues ?? []).map(
    ({ path, message }) => `${name}${path.map((part) => `.${String(part)}`).join('')}: ${message}`,
  );

/** Throws one `Error` that lists the problems, if there are any. */
export function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new Error(`Spotreel cannot be built: ${problems.join('; ')}`);
}
