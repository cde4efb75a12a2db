/**
 * Amazon EC2 on a laptop: CreateFleet (type `instant`), DescribeInstances, DescribeSpotPriceHistory, TerminateInstances
 * and CreateTags, spoken as the AWS SDKs and the AWS CLI do. Every instance is a worker process with instance metadata of its own.
 */
import { z } from 'zod';
import { type ApiAnswer, type ApiRequest, apiListener, listen } from '../aws/http.ts';
import { parseQuery, type QueryFields } from '../aws/query.ts';
import { xmlDocument } from '../aws/xml.ts';
import { type Authorize, accessKeyOf, allowAll } from '../iam/iam.ts';
import { describeSchema, formatReservation, formatState, pageOf } from './describe.ts';
import { Ec2Error } from './errors.ts';
import { instanceIdsSchema, list, parseFields, parseFleetRequest, tagSchema } from './fleet.ts';
import type { Instance, InstanceState } from './instance.ts';
import { type Content, type Ec2Options, Machines } from './machines.ts';
import { callsOf } from './permissions.ts';

export interface InstanceView {
  readonly instanceId: string;
  readonly instanceType: string;
  readonly lifecycle: 'spot' | 'on-demand';
  readonly state: InstanceState;
  readonly tags: Readonly<Record<string, string>>;
  /** What its worker prints. */
  readonly logFile: string;
}

export interface Ec2 {
  readonly url: string;
  readonly port: number;
  /** Instances that live, and those that ended within the last hour, oldest first. */
  instances(): InstanceView[];
  /** Tells an instance by its metadata that it is interrupted in so many seconds, and then terminates it. */
  serveSpotNotice(instanceId: string, seconds?: number): void;
  /** Loses a machine: SIGKILL to all of it. Resolves when nothing of it is left. */
  killInstance(instanceId: string): Promise<void>;
  /** Takes no more requests, terminates all instances, and resolves when no process is left. */
  close(): Promise<void>;
}

const NAMESPACE = 'http://ec2.amazonaws.com/doc/2016-11-15/';
/** EC2 gives two minutes: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html */
const SPOT_NOTICE_SECONDS = 120;

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSpotPriceHistory.html */
const spotPricesSchema = z.object({
  InstanceType: list(z.string()),
  AvailabilityZone: z.string().optional(),
});
const createTagsSchema = z.object({ ResourceId: list(z.string()), Tag: list(tagSchema) });

/** Starts EC2 on the loopback interface. Rejects where the port is taken. */
export async function startEc2(options: Ec2Options): Promise<Ec2> {
  const { promise, resolve } = Promise.withResolvers<Machines>();
  const server = await listen(
    options.port,
    apiListener(async (request) => answer(request, await promise, options.authorize)),
  );
  // Machines ask EC2, too, as the AWS SDK finds it.
  const env = { AWS_ENDPOINT_URL_EC2: server.url, ...options.worker.env };
  const machines = new Machines({ ...options, worker: { ...options.worker, env } });
  resolve(machines);
  return {
    url: server.url,
    port: server.port,
    instances: () => machines.all().map(viewOf),
    serveSpotNotice(instanceId, seconds = SPOT_NOTICE_SECONDS) {
      machines.find(instanceId).interrupt(seconds);
    },
    async killInstance(instanceId) {
      const instance = machines.find(instanceId);
      instance.kill();
      await instance.ended;
    },
    async close() {
      await server.close();
      await machines.close();
    },
  };
}

function viewOf({ id, options, state, tags, logFile }: Instance): InstanceView {
  const { type, lifecycle } = options;
  return {
    instanceId: id,
    instanceType: type,
    lifecycle,
    state,
    tags: Object.fromEntries(tags),
    logFile,
  };
}

async function answer(
  { id, headers: asked, body }: ApiRequest,
  machines: Machines,
  authorize: Authorize = allowAll,
): Promise<ApiAnswer> {
  const headers = { 'content-type': 'text/xml;charset=UTF-8' };
  try {
    const fields = parseQuery(body);
    const action = String(fields['Action']);
    const run = Object.hasOwn(ACTIONS, action) ? ACTIONS[action] : undefined;
    if (!run)
      throw new Ec2Error(
        'InvalidAction',
        `The action ${action} is not valid; there are ${Object.keys(ACTIONS).join(', ')}`,
      );
    for (const call of callsOf(action, fields, machines))
      if (!authorize(accessKeyOf(asked), call))
        throw new Ec2Error('UnauthorizedOperation', `${call.action} on ${call.resource} is not allowed`);
    if (fields['DryRun'] === 'true')
      throw new Ec2Error('DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
    const content = await run(fields, machines);
    return {
      status: 200,
      headers,
      body: xmlDocument(`${action}Response`, NAMESPACE, { requestId: id, ...content }),
    };
  } catch (error) {
    if (!(error instanceof Ec2Error)) throw error;
    const Errors = { Error: { Code: error.code, Message: error.message } };
    return {
      status: error.status,
      headers,
      body: xmlDocument('Response', NAMESPACE, { Errors, RequestID: id }),
    };
  }
}

const ACTIONS: Readonly<
  Record<string, (fields: QueryFields, machines: Machines) => Content | Promise<Content>>
> = {
  CreateFleet: (fields, machines) => machines.createFleetOnce(parseFleetRequest(fields)),

  DescribeInstances(fields, machines) {
    const { page, nextToken } = pageOf(machines.all(), parseFields(describeSchema, fields));
    const item = page.map((instance) => formatReservation(instance, machines.vcpus));
    return { reservationSet: { item }, nextToken };
  },

  DescribeSpotPriceHistory(fields, machines) {
    const { InstanceType, AvailabilityZone } = parseFields(spotPricesSchema, fields);
    return { spotPriceHistorySet: { item: machines.spotPrices(InstanceType, AvailabilityZone) } };
  },

  TerminateInstances(fields, machines) {
    const { InstanceId } = parseFields(instanceIdsSchema, fields);
    // All of them are looked up before any is touched, as EC2 does.
    const item = InstanceId.map((id) => machines.find(id)).map((instance) => {
      const previousState = formatState(instance);
      instance.terminate('Client.UserInitiatedShutdown');
      return { instanceId: instance.id, previousState, currentState: formatState(instance) };
    });
    return { instancesSet: { item } };
  },

  CreateTags(fields, machines) {
    const { ResourceId, Tag } = parseFields(createTagsSchema, fields);
    for (const { tags } of ResourceId.map((id) => machines.find(id)))
      for (const { Key, Value } of Tag) tags.set(Key, Value);
    return { return: true };
  },
};
