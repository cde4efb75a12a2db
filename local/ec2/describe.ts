/** DescribeInstances: filters, pages, and an instance in EC2's XML. */
import { z } from 'zod';
import type { XmlContent } from '../aws/xml.ts';
import { Ec2Error } from './errors.ts';
import { list } from './fleet.ts';
import { END_REASONS, type Instance, STATE_CODES } from './instance.ts';

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html */
export const describeSchema = z.object({
  InstanceId: list(z.string()),
  Filter: list(z.object({ Name: z.string(), Value: list(z.string()) })),
  MaxResults: z.coerce.number().int().min(5).max(1000).default(1000),
  NextToken: z.string().optional(),
});
type DescribeRequest = z.infer<typeof describeSchema>;

/** What a filter looks at. `tag:KEY` is the other one there is. */
const FILTERS: Readonly<Record<string, (instance: Instance) => string[]>> = {
  'instance-id': ({ id }) => [id],
  'instance-state-name': ({ state }) => [state],
  'instance-type': ({ options }) => [options.type],
  'tag-key': ({ tags }) => [...tags.keys()],
};

function filteredValues(name: string, instance: Instance): string[] {
  if (name.startsWith('tag:')) return [instance.tags.get(name.slice('tag:'.length)) ?? []].flat();
  const values = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (!values)
    throw new Ec2Error(
      'InvalidParameterValue',
      `The filter '${name}' is invalid; there are tag:KEY, ${Object.keys(FILTERS).join(', ')}`,
    );
  return values(instance);
}

/** `*` is any text, `?` any character. */
const wildcard = (pattern: string) =>
  new RegExp(
    `^${pattern
      .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
    's',
  );

/** One page. @param instances all there are, oldest first */
export function pageOf(instances: readonly Instance[], request: DescribeRequest) {
  const { InstanceId, Filter, MaxResults, NextToken } = request;
  for (const id of InstanceId)
    if (!instances.some((instance) => instance.id === id))
      throw new Ec2Error('InvalidInstanceID.NotFound', `The instance ID '${id}' does not exist`);
  const matching = instances.filter(
    (instance) =>
      (InstanceId.length === 0 || InstanceId.includes(instance.id)) &&
      Filter.every(({ Name, Value }) => {
        const values = filteredValues(Name, instance);
        return Value.map(wildcard).some((pattern) => values.some((value) => pattern.test(value)));
      }),
  );
  // The token is the last instance of the page before.
  const start = NextToken === undefined ? 0 : matching.findIndex(({ id }) => id === NextToken) + 1;
  const page = matching.slice(start, start + MaxResults);
  const more = start + page.length < matching.length;
  return { page, nextToken: more ? page.at(-1)?.id : undefined };
}

export function formatReservation(instance: Instance, vcpus: number): XmlContent {
  return { reservationId: instance.reservationId, instancesSet: { item: formatInstance(instance, vcpus) } };
}

export function formatState({ state }: Instance): XmlContent {
  return { code: STATE_CODES[state], name: state };
}

function formatInstance(instance: Instance, vcpus: number): XmlContent {
  const { options, endReason, tags } = instance;
  return {
    instanceId: instance.id,
    instanceState: formatState(instance),
    reason: endReason && `${END_REASONS[endReason]} (${instance.endTime?.toISOString() ?? 'now'})`,
    stateReason: endReason && { code: endReason, message: END_REASONS[endReason] },
    instanceType: options.type,
    // On-demand machines have none.
    instanceLifecycle: options.lifecycle === 'spot' ? 'spot' : undefined,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    launchTime: instance.launchTime.toISOString(),
    placement: { availabilityZone: options.placement.availabilityZone, tenancy: 'default' },
    subnetId: options.placement.subnetId,
    cpuOptions: { coreCount: vcpus, threadsPerCore: 1 },
    clientToken: options.clientToken,
    tagSet: { item: [...tags].map(([key, value]) => ({ key, value })) },
  };
}
