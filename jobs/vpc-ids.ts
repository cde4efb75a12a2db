/** A VPC that is there already, as a deployment's settings name it: by ids, so that nothing has to be looked up. */
import { z } from 'zod';

export interface VpcIds {
  readonly vpcId: string;
  /** One a zone: EC2 takes no two of a zone into one fleet. */
  readonly subnetIds: readonly string[];
}

/** Ids have had 17 hexadecimal digits since 2016; what is older has 8. */
const idOf = (kind: 'vpc' | 'subnet') =>
  z.string().regex(new RegExp(`^${kind}-([0-9a-f]{8}|[0-9a-f]{17})$`), {
    error: ({ input }) => `is ${String(input)}; give an id like ${kind}-0123456789abcdef0`,
  });

export const vpcIdsSchema = z.strictObject({
  vpcId: idOf('vpc'),
  subnetIds: z
    .array(idOf('subnet'))
    .min(1, { error: 'is empty; name the subnets that workers may run in, one a zone' })
    .refine((ids) => new Set(ids).size === ids.length, {
      error: ({ input }) => `names a subnet twice: ${String(input)}; name each once`,
    }),
}) satisfies z.ZodType<VpcIds>;
