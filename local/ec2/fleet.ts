/** What a CreateFleet request asks for, and which machines a laptop makes of it. Pure. */
import { z } from 'zod';
import { listOf, type QueryFields, type QueryValue } from '../aws/query.ts';
import { Ec2Error } from './errors.ts';

/** A numbered list of form fields. */
export const list = <T extends z.ZodType>(item: T) =>
  z.preprocess((value: QueryValue | undefined) => listOf(value), z.array(item));

export const tagSchema = z.object({ Key: z.string().min(1), Value: z.string().default('') });

export const instanceIdsSchema = z.object({ InstanceId: list(z.string()) });

const overrideSchema = z.object({
  InstanceType: z.string().optional(),
  SubnetId: z.string().optional(),
  AvailabilityZone: z.string().optional(),
  MaxPrice: z.string().optional(),
  Priority: z.coerce.number().optional(),
  WeightedCapacity: z.coerce.number().positive().optional(),
});

const templateSchema = z.object({
  LaunchTemplateId: z.string().optional(),
  LaunchTemplateName: z.string().optional(),
  Version: z.string().optional(),
});

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html */
const fleetRequestSchema = z.object({
  Type: z.string().default('maintain'),
  ClientToken: z.string().optional(),
  LaunchTemplateConfigs: list(
    z.object({ LaunchTemplateSpecification: templateSchema, Overrides: list(overrideSchema) }),
  ),
  TargetCapacitySpecification: z.object({
    TotalTargetCapacity: z.coerce.number().int().nonnegative(),
    DefaultTargetCapacityType: z.enum(['spot', 'on-demand']).default('on-demand'),
  }),
  TagSpecification: list(z.object({ ResourceType: z.string(), Tag: list(tagSchema) })),
});
export type FleetRequest = z.infer<typeof fleetRequestSchema>;

/** One way in which a request allows a machine to be. */
export interface Pool {
  readonly instanceType: string;
  readonly weight: number;
  readonly template: z.infer<typeof templateSchema>;
  readonly override: z.infer<typeof overrideSchema>;
}

/** Parses form fields. Throws an `Ec2Error` that names what is missing or malformed. */
export function parseFields<T extends z.ZodType>(schema: T, fields: QueryFields): z.infer<T> {
  const parsed = schema.safeParse(fields);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const name = issue?.path.join('.');
  if (issue?.code === 'invalid_type' && issue.message.endsWith('received undefined'))
    throw new Ec2Error('MissingParameter', `The request must contain the parameter ${name}`);
  throw new Ec2Error('InvalidParameterValue', `The parameter ${name} is not usable: ${issue?.message}`);
}

/** Throws an `Ec2Error` for what EC2 would refuse, or what a laptop cannot do. */
export function parseFleetRequest(fields: QueryFields): FleetRequest {
  const request = parseFields(fleetRequestSchema, fields);
  if (request.Type !== 'instant')
    throw new Ec2Error(
      'InvalidParameterValue',
      `Fleets of type '${request.Type}' are not there; use 'instant'`,
    );
  return request;
}

/** The request's pools, in its order. Throws an `Ec2Error` where there is none. */
export function poolsOf({ LaunchTemplateConfigs }: FleetRequest): Pool[] {
  const pools = LaunchTemplateConfigs.flatMap(({ LaunchTemplateSpecification: template, Overrides }) =>
    Overrides.flatMap((override) =>
      override.InstanceType === undefined
        ? []
        : [
            {
              instanceType: override.InstanceType,
              weight: override.WeightedCapacity ?? 1,
              template,
              override,
            },
          ],
    ),
  );
  if (pools.length === 0)
    throw new Ec2Error(
      'MissingParameter',
      'The request must name an InstanceType in LaunchTemplateConfigs.Overrides: templates have none here',
    );
  return pools;
}

/** The pool most like the machines that a laptop has: nearest in vCPUs, then the first. */
export function bestPool(pools: readonly Pool[], vcpus: number): Pool | undefined {
  const distance = ({ weight }: Pool) => Math.abs(weight - vcpus);
  return pools.toSorted((a, b) => distance(a) - distance(b))[0];
}

/**
 * How many machines of a weight fill a target, as far as there is room. EC2 may exceed a target by the weight of
 * the last machine, and so does this.
 */
export function machinesFor(
  target: number,
  weight: number,
  room: number,
): { count: number; filled: boolean } {
  const wanted = Math.ceil(target / weight);
  return { count: Math.min(wanted, room), filled: wanted <= room };
}
