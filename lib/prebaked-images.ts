/**
 * Machine images that have ffmpeg, Node and the worker in them, so that a machine need not install them at each boot. EC2
 * Image Builder makes them while the stack is deployed, and deletes each with its snapshot when another takes its place
 * (docs/decisions/0017-a-pre-baked-image-is-a-cache.md).
 */
import { ArnFormat, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as imagebuilder from 'aws-cdk-lib/aws-imagebuilder';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { PLATFORM_TAG } from '../jobs/environment.ts';
import { allow, type Permission, SESSION_ACTIONS } from './allow.ts';
import { contentHash } from './content-hash.ts';
import type { Architecture, WorkerType } from './instance-types.ts';
import type { Network } from './network.ts';
import { UBUNTU_PARAMETERS } from './ubuntu.ts';
import { type Installation, renderBake } from './user-data.ts';

/** Its images and their snapshots have this tag. */
const MADE_BY_IMAGE_BUILDER = { StringEquals: { 'aws:ResourceTag/CreatedBy': 'EC2 Image Builder' } };

export interface PrebakedImagesProps {
  readonly platform: string;
  readonly network: Network;
  /** What the installation downloads. */
  readonly assets: readonly Asset[];
  readonly installations: ReadonlyMap<Architecture, Installation>;
  /** Of each architecture the smallest make its image. */
  readonly instanceTypes: Readonly<Record<Architecture, readonly WorkerType[]>>;
}

export class PrebakedImages extends Construct {
  /** By architecture. */
  readonly imageIds: ReadonlyMap<Architecture, string>;

  constructor(scope: Construct, id: string, props: PrebakedImagesProps) {
    super(scope, id);
    // Image Builder may write logs below this path alone.
    const logGroup = new logs.LogGroup(this, 'Logs', {
      logGroupName: `/aws/imagebuilder/${props.platform}`,
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const baker = new iam.Role(this, 'Baker', {
      description: 'What the machine may do of which Spotreel makes an image',
      assumedBy: new iam.ServicePrincipal('ec2.amazonaws.com'),
    });
    allow(baker, bakingOf(Stack.of(this), props, logGroup));
    const remover = new iam.Role(this, 'Remover', {
      description: 'Deletes images of Spotreel that another has replaced',
      assumedBy: new iam.ServicePrincipal('imagebuilder.amazonaws.com'),
    });
    allow(remover, removalOf(Stack.of(this), props));
    const profile = new iam.InstanceProfile(this, 'Profile', { role: baker });

    this.imageIds = new Map(
      [...props.installations].map(([architecture, installation]) => {
        const image = new imagebuilder.CfnImage(this, `Image-${architecture}`, {
          imageRecipeArn: this.#recipe(architecture, installation, props.platform).attrArn,
          infrastructureConfigurationArn: this.#infrastructure(architecture, profile, props).attrArn,
          deletionSettings: { executionRole: remover.roleArn },
          loggingConfiguration: { logGroupName: logGroup.logGroupName },
          // They would take a second machine, to find what the first boot finds.
          imageTestsConfiguration: { imageTestsEnabled: false },
          enhancedImageMetadataEnabled: false,
        });
        // Both roles' policies and the way out are there before the image, and after it.
        image.node.addDependency(baker, remover, props.network);
        return [architecture, image.attrImageId];
      }),
    );
  }

  /**
   * Of one component. Neither can be changed, so whatever is another in them makes another name; and they have no tags, whose
   * change would replace them by others of the same name.
   */
  #recipe(architecture: Architecture, installation: Installation, platform: string) {
    const ofComponent = { version: '1.0.0', platform: 'Linux', data: documentOf(installation) };
    const ofRecipe = { version: '1.0.0', amiTags: { [PLATFORM_TAG]: platform } };
    const hash = contentHash(Stack.of(this).resolve([ofComponent, ofRecipe]));
    const name = `${nameIn(platform)}-${architecture}-${hash}`;
    const component = new imagebuilder.CfnComponent(this, `Component-${architecture}`, {
      ...ofComponent,
      name,
    });
    // Looked up at each deployment, so that one makes a new image when there is a new Ubuntu.
    const { imageId: ubuntu } = ec2.MachineImage.fromSsmParameter(UBUNTU_PARAMETERS[architecture]).getImage(
      this,
    );
    const recipe = new imagebuilder.CfnImageRecipe(this, `Recipe-${architecture}`, {
      ...ofRecipe,
      name: Fn.join('-', [name, ubuntu]),
      parentImage: ubuntu,
      components: [{ componentArn: component.attrArn }],
    });
    for (const resource of [component, recipe]) resource.addPropertyDeletionOverride('Tags');
    return recipe;
  }

  /** The machine has no tag of the platform, for `mend` would take it for a worker that says nothing, and end it. */
  #infrastructure(
    architecture: Architecture,
    profile: iam.InstanceProfile,
    { platform, network, instanceTypes }: PrebakedImagesProps,
  ) {
    const [subnetId = ''] = network.subnetIds; // none only while CDK still looks the owner's VPC up
    return new imagebuilder.CfnInfrastructureConfiguration(this, `Infrastructure-${architecture}`, {
      name: `${nameIn(platform)}-${architecture}`,
      instanceProfileName: profile.instanceProfileName,
      instanceTypes: smallestOf(instanceTypes[architecture]),
      instanceMetadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
      securityGroupIds: [network.workerSecurityGroup.securityGroupId],
      subnetId,
      terminateInstanceOnFailure: true,
    });
  }
}

/** Image Builder's ARNs have names in lower case. */
const nameIn = (platform: string) => platform.toLowerCase();

/** A component's document: https://docs.aws.amazon.com/imagebuilder/latest/userguide/toe-use-documents.html */
const documentOf = (installation: Installation) => `schemaVersion: '1.0'
phases:
- name: build
  steps:
  - name: Install
    action: ExecuteBash
    inputs:
      commands:
      - |
${renderBake(installation).replace(/^(?=.)/gm, ' '.repeat(8))}`;

/** What an installation downloads. */
export const mayInstall = (assets: readonly Asset[]): Permission => ({
  actions: ['s3:GetObject'],
  resources: assets.map(({ bucket, s3ObjectKey }) => bucket.arnForObjects(s3ObjectKey)),
});

function smallestOf(types: readonly WorkerType[]): string[] {
  const least = Math.min(...types.map(({ vcpus }) => vcpus));
  return types.filter(({ vcpus }) => vcpus === least).map(({ type }) => type);
}

/**
 * What AWS's policies EC2InstanceProfileForImageBuilder and AmazonSSMManagedInstanceCore have of use here. The latter as it is
 * would let the machine read every parameter, and so the secrets of the API.
 * https://docs.aws.amazon.com/imagebuilder/latest/userguide/security-iam-awsmanpol.html
 */
const bakingOf = (
  stack: Stack,
  { platform, assets }: PrebakedImagesProps,
  logGroup: logs.LogGroup,
): Permission[] => [
  mayInstall(assets),
  {
    actions: ['s3:GetObject'],
    resources: [
      stack.formatArn({
        service: 's3',
        region: '',
        account: '',
        resource: 'ec2imagebuilder*',
        arnFormat: ArnFormat.NO_RESOURCE_NAME,
      }),
    ],
    why: 'AWS keeps what runs the steps in buckets that are so called.',
  },
  {
    actions: ['imagebuilder:GetComponent'],
    resources: [
      stack.formatArn({
        service: 'imagebuilder',
        resource: 'component',
        resourceName: `${nameIn(platform)}-*`,
      }),
    ],
    why: 'Its name says what is in it, and is another for each release.',
  },
  { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
  {
    actions: [
      ...SESSION_ACTIONS,
      'ec2messages:AcknowledgeMessage',
      'ec2messages:DeleteMessage',
      'ec2messages:FailMessage',
      'ec2messages:GetEndpoint',
      'ec2messages:GetMessages',
      'ec2messages:SendReply',
    ],
    resources: ['*'],
    why: 'Systems Manager, by which Image Builder tells the machine what to do; its actions know no resources.',
  },
];

/**
 * What AWS's policy EC2ImageBuilderLifecycleExecutionPolicy has of use here.
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/EC2ImageBuilderLifecycleExecutionPolicy.html
 */
const removalOf = (stack: Stack, { platform }: PrebakedImagesProps): Permission[] => [
  {
    actions: ['ec2:DeregisterImage', 'ec2:DescribeImageAttribute'],
    resources: [stack.formatArn({ service: 'ec2', account: '', resource: 'image', resourceName: '*' })],
    conditions: MADE_BY_IMAGE_BUILDER,
    why: 'Images have ids that are not known before they are made.',
  },
  {
    actions: ['ec2:DeleteSnapshot'],
    resources: [stack.formatArn({ service: 'ec2', account: '', resource: 'snapshot', resourceName: '*' })],
    conditions: MADE_BY_IMAGE_BUILDER,
    why: 'Snapshots have ids that are not known before they are made.',
  },
  {
    actions: ['imagebuilder:DeleteImage'],
    resources: [
      stack.formatArn({ service: 'imagebuilder', resource: 'image', resourceName: `${nameIn(platform)}-*` }),
    ],
    why: 'Its name says what is in it, and is another for each release.',
  },
  {
    actions: ['ec2:DescribeImages', 'tag:GetResources'],
    resources: ['*'],
    why: 'The actions know no resources.',
  },
];
