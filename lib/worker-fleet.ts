/**
 * Workers: their role and a launch template for each architecture. No machine is part of the stack; dispatch
 * launches them from these templates, and they terminate themselves (worker-scripts/bootstrap.sh).
 */
import { type Duration, RemovalPolicy, type Size, Stack, Tags } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import { PLATFORM_TAG, type workerEnvironmentSchema } from '../jobs/environment.ts';
import {
  CAPACITY_PREFIX,
  COPIES_PATTERN,
  capacityKeys,
  JOBS_PREFIX,
  MODELS_PREFIX,
  OPEN_PREFIX,
  UPLOADS_PREFIX,
  VIDEOS_PREFIX,
  WORKERS_PREFIX,
} from '../jobs/names.ts';
import type { OwnPrices } from '../video/prices.ts';
import { allow, mayList, mayUse, SESSION_ACTIONS } from './allow.ts';
import type { Architecture, WorkerType } from './instance-types.ts';
import { mayPublishLive } from './live.ts';
import type { Network } from './network.ts';
import { mayInstall, PrebakedImages } from './prebaked-images.ts';
import type { Queues } from './queues.ts';
import type { Storage } from './storage.ts';
import { ROOT_DEVICE, UBUNTU_PARAMETERS } from './ubuntu.ts';
import {
  environmentFile,
  type Installation,
  installationOf,
  renderUserData,
  speechPackages,
} from './user-data.ts';
import { NodeRuntime, WorkerProgram } from './worker-bundle.ts';

export interface WorkerFleetProps {
  readonly platform: string;
  readonly architectures: readonly Architecture[];
  readonly storage: Storage;
  readonly queues: Queues;
  /** What the topics of the platform's messages begin with. */
  readonly liveTopics: string;
  readonly network: Network;
  /** Seconds without a task after which a worker ends. */
  readonly idleSeconds: number;
  readonly maxLifetime: Duration;
  readonly rootVolume: Size;
  /** Whether machines start from images of ours, which have all that is installed. */
  readonly prebakedImage: boolean;
  readonly instanceTypes: Readonly<Record<Architecture, readonly WorkerType[]>>;
  readonly prices: OwnPrices;
  readonly encodeSettings: Readonly<Record<string, unknown>>;
}

export class WorkerFleet extends Construct {
  readonly role: iam.Role;
  readonly launchTemplates: ReadonlyMap<Architecture, ec2.LaunchTemplate>;
  /** ARNs of the parameters that name the images, where EC2 looks them up at each launch. */
  readonly imageParameterArns: readonly string[];

  constructor(scope: Construct, id: string, props: WorkerFleetProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const program = new WorkerProgram(this, 'Program');
    this.role = new iam.Role(this, 'Role', {
      description: 'What a Spotreel worker may do',
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    });
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    allow(this.role, [
      ...permissionsOf(props),
      mayPublishLive(stack, props.liveTopics),
      { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
    ]);

    const runtimes = props.architectures.map((architecture) => ({
      architecture,
      runtime: new NodeRuntime(this, `Node-${architecture}`, architecture),
    }));
    const assets = [program, ...runtimes.map(({ runtime }) => runtime)].map(({ asset }) => asset);
    allow(this.role, [mayInstall(assets)]);
    const installations = new Map(
      runtimes.map(({ architecture, runtime }) => [
        architecture,
        installationOf(
          {
            REGION: stack.region,
            WORKER_URL: program.asset.httpUrl,
            NODE_URL: runtime.asset.httpUrl,
            NODE_SHA256: runtime.sha256,
            SPEECH_PACKAGES: speechPackages(props.encodeSettings),
          },
          (script) => stack.resolve(script),
        ),
      ]),
    );
    const prebaked = props.prebakedImage
      ? new PrebakedImages(this, 'Images', { ...props, installations, assets }).imageIds
      : new Map<Architecture, string>();
    this.launchTemplates = new Map(
      [...installations].map(([architecture, installation]) => {
        const image = prebaked.get(architecture) ?? `resolve:ssm:${UBUNTU_PARAMETERS[architecture]}`;
        return [architecture, this.#launchTemplate(architecture, image, installation, logGroup, props)];
      }),
    );
    this.imageParameterArns = props.prebakedImage
      ? []
      : props.architectures.map((architecture) =>
          stack.formatArn({
            service: 'ssm',
            account: '',
            resource: 'parameter',
            resourceName: UBUNTU_PARAMETERS[architecture].slice(1),
          }),
        );
  }

  #launchTemplate(
    architecture: Architecture,
    image: string,
    installation: Installation,
    logGroup: logs.ILogGroup,
    props: WorkerFleetProps,
  ): ec2.LaunchTemplate {
    const userData = ec2.UserData.custom(
      renderUserData(installation, {
        MAX_LIFETIME_SECONDS: String(props.maxLifetime.toSeconds()),
        WORKER_ENVIRONMENT: environmentFile(workerEnvironment(this, logGroup, props)),
      }),
    );
    const template = new ec2.LaunchTemplate(this, `Template-${architecture}`, {
      // EC2 looks a parameter up at each launch; a fleet may do so if it is of type `instant`, as ours are (EC2 API,
      // RequestLaunchTemplateData, ImageId).
      machineImage: { getImage: () => ({ imageId: image, osType: ec2.OperatingSystemType.LINUX, userData }) },
      userData,
      role: this.role,
      securityGroup: props.network.workerSecurityGroup,
      instanceInitiatedShutdownBehavior: ec2.InstanceInitiatedShutdownBehavior.TERMINATE,
      httpTokens: ec2.LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      blockDevices: [
        {
          deviceName: ROOT_DEVICE,
          volume: ec2.BlockDeviceVolume.ebs(props.rootVolume.toGibibytes(), {
            volumeType: ec2.EbsDeviceVolumeType.GP3,
            encrypted: true,
            deleteOnTermination: true,
          }),
        },
      ],
    });
    Tags.of(template).add(PLATFORM_TAG, props.platform);
    return template;
  }
}

/** Everything that `workerEnvironmentSchema` names, and the region for the AWS SDK. */
function workerEnvironment(
  scope: Construct,
  { logGroupName }: logs.ILogGroup,
  { platform, storage, queues, idleSeconds, liveTopics, rootVolume, prices }: WorkerFleetProps,
): Record<keyof z.input<typeof workerEnvironmentSchema> | 'AWS_REGION', string> {
  return {
    AWS_REGION: Stack.of(scope).region,
    PLATFORM: platform,
    LOG_GROUP: logGroupName,
    UPLOAD_BUCKET: storage.uploads.bucketName,
    PRODUCTION_BUCKET: storage.production.bucketName,
    UPLOADS_QUEUE_URL: queues.uploads.queueUrl,
    TASKS_QUEUE_URL: queues.tasks.queueUrl,
    IDLE_SECONDS: String(idleSeconds),
    DISK_GIGABYTES: String(rootVolume.toGibibytes()),
    PRICES: JSON.stringify(prices),
    LIVE_TOPICS: liveTopics,
    // Below systemd's StateDirectory: the service sees the rest of the disk read-only.
    SCRATCH_DIR: '/var/lib/spotreel/scratch',
    CAGE: 'required',
  };
}

function permissionsOf({ storage: { uploads, production }, queues }: WorkerFleetProps) {
  return [
    mayUse(uploads, ['s3:GetObject'], UPLOADS_PREFIX),
    mayUse(uploads, ['s3:GetObject'], MODELS_PREFIX),
    mayUse(uploads, ['s3:GetObject', 's3:PutObject'], JOBS_PREFIX),
    mayUse(uploads, ['s3:DeleteObject'], OPEN_PREFIX),
    {
      actions: ['s3:DeleteObject', 's3:AbortMultipartUpload'],
      resources: [uploads.arnForObjects(COPIES_PATTERN)],
      why: 'Copies of any source, and nothing else.',
    },
    {
      actions: ['s3:PutObject', 's3:DeleteObject'],
      resources: [uploads.arnForObjects(`${WORKERS_PREFIX}*`)],
      why: 'Named by the instance, whose id is not known; the prefix holds nothing else.',
    },
    {
      actions: ['s3:GetObject', 's3:PutObject'],
      resources: [capacityKeys.calibration, capacityKeys.starts].map((key) => uploads.arnForObjects(key)),
    },
    mayUse(production, ['s3:GetObject', 's3:PutObject', 's3:AbortMultipartUpload'], VIDEOS_PREFIX),
    // Listings, and 404 instead of 403 for what is not there.
    mayList(uploads, UPLOADS_PREFIX, JOBS_PREFIX, CAPACITY_PREFIX, MODELS_PREFIX, WORKERS_PREFIX),
    mayList(production, VIDEOS_PREFIX),
    {
      actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:SendMessage'],
      resources: [queues.tasks.queueArn],
    },
    { actions: ['sqs:SendMessage'], resources: [queues.uploads.queueArn] },
    {
      actions: ['ec2:DescribeSpotPriceHistory'],
      resources: ['*'],
      why: 'The action knows no resources, and prices are no secret.',
    },
    // A shell without an open port.
    {
      actions: SESSION_ACTIONS,
      resources: ['*'],
      why: 'The actions of Session Manager know no resources.',
    },
  ];
}
