/** A Lambda that may launch workers: its permissions and its environment. */
import type { Duration } from 'aws-cdk-lib';
import { Stack } from 'aws-cdk-lib';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { z } from 'zod';
import { type dispatchEnvironmentSchema, type LaunchTemplate, PLATFORM_TAG } from '../jobs/environment.ts';
import { CAPACITY_PREFIX, capacityKeys } from '../jobs/names.ts';
import { DISPATCH_TIMEOUT_SECONDS, SERVICE_ROLES } from '../jobs/platform.ts';
import { mayList, type Permission } from './allow.ts';
import { PlatformFunction } from './function.ts';
import type { Architecture, WorkerType } from './instance-types.ts';
import type { Network } from './network.ts';
import type { Queues } from './queues.ts';
import { ledgerOf, type SpendingProps, spendingEnvironment } from './spending.ts';
import type { Storage } from './storage.ts';
import type { WorkerFleet } from './worker-fleet.ts';

/** What every launcher is told. */
export interface LauncherProps extends SpendingProps {
  /** The value of the machines' tag. */
  readonly platform: string;
  readonly storage: Storage;
  readonly queues: Queues;
  /** What the topics of the platform's messages begin with. */
  readonly liveTopics: string;
  readonly network: Network;
  readonly fleet: WorkerFleet;
  readonly instanceTypes: Readonly<Record<Architecture, readonly WorkerType[]>>;
  readonly encodeSettings: Readonly<Record<string, unknown>>;
  readonly maxVcpus: number;
  readonly maxOnDemandVcpus: number;
  readonly turnaround: Duration;
}

/** What makes it this one. */
export interface LauncherCode {
  readonly description: string;
  /** File in `lambda/` that exports `handler`. */
  readonly entry: string;
  /** What it may do besides launching, its hints and looking at the length of the tasks queue. */
  readonly permissions: readonly Permission[];
}

export class Launcher extends Construct {
  readonly handler: lambda.Function;

  constructor(scope: Construct, id: string, code: LauncherCode, props: LauncherProps) {
    super(scope, id);
    const { handler } = new PlatformFunction(this, 'Function', {
      description: code.description,
      entry: code.entry,
      timeoutSeconds: DISPATCH_TIMEOUT_SECONDS,
      environment: environmentOf(this, props),
      permissions: [
        { actions: ['sqs:GetQueueAttributes'], resources: [props.queues.tasks.queueArn] },
        ...hintsOf(props),
        ...ledgerOf(props.storage),
        ...code.permissions,
        ...launchesOf(this, props),
      ],
    });
    this.handler = handler;
  }
}

/** Everything that `dispatchEnvironmentSchema` names. */
function environmentOf(
  scope: Construct,
  props: LauncherProps,
): Record<keyof z.input<typeof dispatchEnvironmentSchema>, string> {
  const templates = [...props.fleet.launchTemplates].map(
    ([architecture, template]): LaunchTemplate => ({
      architecture,
      launchTemplateId: defined(template.launchTemplateId),
      version: template.latestVersionNumber,
      instanceTypes: props.instanceTypes[architecture].map(({ type, vcpus }) => ({ type, vcpus })),
    }),
  );
  return {
    UPLOAD_BUCKET: props.storage.uploads.bucketName,
    TASKS_QUEUE_URL: props.queues.tasks.queueUrl,
    PLATFORM: props.platform,
    LAUNCH_TEMPLATES: Stack.of(scope).toJsonString(templates),
    SUBNET_IDS: props.network.subnetIds.join(','),
    ENCODE_SETTINGS: JSON.stringify(props.encodeSettings),
    MAX_VCPUS: String(props.maxVcpus),
    MAX_ON_DEMAND_VCPUS: String(props.maxOnDemandVcpus),
    TARGET_SECONDS: String(props.turnaround.toSeconds()),
    LIVE_TOPICS: props.liveTopics,
    ...spendingEnvironment(props),
  };
}

/** What a launcher knows from those before it, and leaves for those after it. */
function hintsOf({ storage: { uploads } }: LauncherProps): Permission[] {
  const { calibration, ...written } = capacityKeys;
  return [
    { actions: ['s3:GetObject'], resources: [uploads.arnForObjects(calibration)] },
    {
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: Object.values(written).map((key) => uploads.arnForObjects(key)),
    },
    // For 404 instead of 403 where nothing is there yet.
    mayList(uploads, CAPACITY_PREFIX),
  ];
}

/** A launch template that CloudFormation makes always has an id; imported ones may not. */
function defined(launchTemplateId: string | undefined): string {
  if (launchTemplateId === undefined) throw new Error('The launch template must be of this stack');
  return launchTemplateId;
}

/**
 * What a fleet needs, after Karpenter's policy: our templates, subnets and security group; machines and volumes
 * only with our tag, and the tag only while they are made.
 * https://karpenter.sh/docs/reference/cloudformation/
 *
 * A call that names no template is asked for none, so what every launch is asked for, its machine, is ours only if the
 * template is: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances-launch-templates
 * CreateFleet itself knows nothing of `ec2:LaunchTemplate` (Service Authorization Reference), and would be refused with it; but
 * a fleet launches by RunInstances with the template, in its caller's name (aws/karpenter-provider-aws#1488 and #8190 show
 * both). Not asked for is `ec2:IsLaunchTemplateResource`: it keeps an image from being overridden, but not user data, which
 * decide as much, and nobody documents it of images that a fleet looks up in a parameter.
 */
function launchesOf(scope: Construct, { platform, fleet, network }: LauncherProps): Permission[] {
  const stack = Stack.of(scope);
  const ec2Arn = (resource: string, name: string) =>
    stack.formatArn({ service: 'ec2', resource, resourceName: name });
  const templates = [...fleet.launchTemplates.values()].map(({ launchTemplateId }) =>
    ec2Arn('launch-template', defined(launchTemplateId)),
  );
  const tagged = { [`aws:RequestTag/${PLATFORM_TAG}`]: platform };
  const launch = ['ec2:CreateFleet', 'ec2:RunInstances'];
  return [
    {
      actions: launch,
      resources: [
        ...templates,
        ...network.subnetIds.map((subnetId) => ec2Arn('subnet', subnetId)),
        ec2Arn('security-group', network.workerSecurityGroup.securityGroupId),
      ],
    },
    {
      actions: ['ec2:RunInstances'],
      resources: [ec2Arn('instance', '*')],
      conditions: { StringEquals: tagged, ArnLike: { 'ec2:LaunchTemplate': templates } },
      why: 'Made by the call, so its id is not known; it must come of our template and carry the tag of this platform.',
    },
    {
      actions: ['ec2:CreateFleet'],
      resources: [ec2Arn('instance', '*')],
      conditions: { StringEquals: tagged },
      why: 'Of the request for a fleet, which makes machines by ec2:RunInstances; it must carry the tag of this platform.',
    },
    {
      actions: launch,
      resources: [ec2Arn('fleet', '*'), ec2Arn('volume', '*')],
      conditions: { StringEquals: tagged },
      why: 'Made by the call, so their ids are not known; they must carry the tag of this platform.',
    },
    {
      actions: launch,
      resources: [
        ec2Arn('network-interface', '*'),
        ec2Arn('spot-instances-request', '*'),
        stack.formatArn({ service: 'ec2', account: '', resource: 'image', resourceName: '*' }),
      ],
      why: 'Made by the call, or the image that the launch template names, which is another with each of Ubuntu’s.',
    },
    {
      actions: ['ec2:CreateTags'],
      resources: [ec2Arn('fleet', '*'), ec2Arn('instance', '*'), ec2Arn('volume', '*')],
      conditions: { StringEquals: { 'ec2:CreateAction': ['CreateFleet', 'RunInstances'], ...tagged } },
      why: 'Only while they are made, and only with the tag of this platform.',
    },
    {
      actions: ['ec2:DescribeInstances', 'ec2:DescribeSpotPriceHistory'],
      resources: ['*'],
      why: 'The actions know no resources.',
    },
    ...fleet.imageParameterArns.map((arn) => ({ actions: ['ssm:GetParameters'], resources: [arn] })),
    {
      actions: ['iam:PassRole'],
      resources: [fleet.role.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    },
    ...SERVICE_ROLES.map(({ service, role }) => ({
      actions: ['iam:CreateServiceLinkedRole'],
      resources: [
        stack.formatArn({
          service: 'iam',
          region: '',
          resource: 'role',
          resourceName: `aws-service-role/${service}/${role}`,
        }),
      ],
      conditions: { StringEquals: { 'iam:AWSServiceName': service } },
    })),
  ];
}
