/** How it is said what does not fit a schema. */
import type { z } from 'zod';

/** A sentence for each misfit: where it is, `vpc.subnets.0`, and what is wrong. @param below names of what holds the value */
export const misfitsOf = ({ issues }: z.ZodError, ...below: readonly string[]): string[] =>
  issues.map(({ path, message }) => {
    const place = [...below, ...path].map(String).join('.');
    return place === '' ? message : `${place}: ${message}`;
  });
