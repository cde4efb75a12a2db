/**
 * The permissions that each action asks for. Of a fleet, which of its two actions EC2 asks for on which resource is not
 * documented: asked for is what Karpenter's policy allows, which is proven in use.
 * https://karpenter.sh/docs/reference/cloudformation/
 */
import { SERVICE_ROLES } from '../../jobs/platform.ts';
import { ACCOUNT } from '../aws/account.ts';
import type { QueryFields } from '../aws/query.ts';
import type { Call } from '../iam/policy.ts';
import { type FleetRequest, instanceIdsSchema, parseFields, parseFleetRequest } from './fleet.ts';
import type { Machines } from './machines.ts';

/** What our launch templates say, which here are names alone: image, security group, role. */
const IMAGE_PARAMETER = '/aws/service/canonical/ubuntu/server/24.04/stable/current/own/hvm/ebs-gp3/ami-id';
const SECURITY_GROUP = 'sg-00000000000000000';
const WORKER_ROLE = 'spotreel-worker';

/** Every permission that a request needs. Throws an `Ec2Error` where it makes no sense. */
export function callsOf(action: string, fields: QueryFields, machines: Machines): Call[] {
  if (action === 'CreateFleet') return fleetCalls(parseFleetRequest(fields), machines.region);
  if (action === 'TerminateInstances')
    return parseFields(instanceIdsSchema, fields).InstanceId.map((id) => ({
      action: 'ec2:TerminateInstances',
      resource: `arn:aws:ec2:${machines.region}:${ACCOUNT}:instance/${id}`,
      context: contextOf('aws:ResourceTag/', machines.find(id).tags),
    }));
  return [{ action: `ec2:${action}`, resource: '*' }];
}

/** Of an account's first fleet, for which EC2 makes its own roles. */
function fleetCalls({ LaunchTemplateConfigs, TagSpecification }: FleetRequest, region: string): Call[] {
  const arnOf = (resource: string, account = ACCOUNT) => `arn:aws:ec2:${region}:${account}:${resource}`;
  const tagsOf = (type: string) =>
    contextOf(
      'aws:RequestTag/',
      TagSpecification.filter(({ ResourceType }) => ResourceType === type).flatMap(({ Tag }) =>
        Tag.map(({ Key, Value }): [string, string] => [Key, Value]),
      ),
    );
  const tagged = ['fleet', 'instance', 'volume'].map((type) => ({
    resource: arnOf(`${type}/new`),
    context: tagsOf(type),
  }));
  const templates = LaunchTemplateConfigs.map(({ LaunchTemplateSpecification: { LaunchTemplateId } }) =>
    arnOf(`launch-template/${LaunchTemplateId}`),
  );
  const used = [
    ...templates,
    ...LaunchTemplateConfigs.flatMap(({ Overrides }) =>
      Overrides.map(({ SubnetId }) => arnOf(`subnet/${SubnetId}`)),
    ),
    arnOf(`security-group/${SECURITY_GROUP}`),
    arnOf('network-interface/new'),
    arnOf('spot-instances-request/new'),
    arnOf('image/newest', ''),
  ].map((resource) => ({ resource, context: {} }));
  // Service Authorization Reference: RunInstances knows its template with each resource, CreateFleet with none.
  const actions = [
    { action: 'CreateFleet', from: {} },
    ...templates.map((template) => ({ action: 'RunInstances', from: { 'ec2:LaunchTemplate': template } })),
  ];
  return [
    ...actions.flatMap(({ action, from }) => [
      ...[...used, ...tagged].map(({ resource, context }) => ({
        action: `ec2:${action}`,
        resource,
        context: { ...context, ...from },
      })),
      ...tagged.map(({ resource, context }) => ({
        action: 'ec2:CreateTags',
        resource,
        context: { ...context, 'ec2:CreateAction': action },
      })),
    ]),
    { action: 'ssm:GetParameters', resource: `arn:aws:ssm:${region}::parameter${IMAGE_PARAMETER}` },
    {
      action: 'iam:PassRole',
      resource: `arn:aws:iam::${ACCOUNT}:role/${WORKER_ROLE}`,
      context: { 'iam:PassedToService': 'ec2.amazonaws.com' },
    },
    ...SERVICE_ROLES.map(({ service, role }) => ({
      action: 'iam:CreateServiceLinkedRole',
      resource: `arn:aws:iam::${ACCOUNT}:role/aws-service-role/${service}/${role}`,
      context: { 'iam:AWSServiceName': service },
    })),
  ];
}

const contextOf = (prefix: string, tags: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...tags].map(([key, value]) => [`${prefix}${key}`, value]));
