/**
 * Why EC2 launched nothing: one table of the codes that CreateFleet answers with, thrown or in its `Errors`.
 * Codes: https://docs.aws.amazon.com/ec2/latest/devguide/errors-overview.html, and what Karpenter meets in use
 * (aws/karpenter-provider-aws, pkg/errors).
 */

/**
 * - `elsewhere`: these pools have no machine for us now; another architecture or on-demand may.
 * - `later`: the same request may pass when a quota, a throttle or the service allows it; nothing else would now.
 * - `configuration`: it will not pass until the owner changes the deployment. The mistake may be of one
 *   architecture's launch template alone, so the other one is tried.
 * - `give-up`: the account may not launch anything, whatever is asked or deployed.
 */
export type LaunchErrorClass = 'elsewhere' | 'later' | 'configuration' | 'give-up';

export interface LaunchErrorKind {
  readonly code: string;
  readonly class: LaunchErrorClass;
  /** A quota refused the request as a whole: a smaller one may pass now. */
  readonly smaller?: true;
  /** It is about the pool (an instance type in a zone) that it names, which is left out for a while. */
  readonly ownPool?: true;
  /** What happened: half a sentence. */
  readonly reason: string;
  /** What to do next: a sentence. */
  readonly advice: string;
}

const WAIT = 'Nothing to do: the request is repeated by itself.';
const MORE_POOLS =
  'The request is repeated by itself; if it lasts, allow more instance types or set maxOnDemandVcpus.';
const DEPLOY_AGAIN = 'Run `cdk deploy` again, so that the launch templates are made anew.';
const REPORT = 'Read the message for the parameter it names, correct it in the stack and deploy.';
const PERMISSION =
  "Compare the dispatch function's role and the organization's policies with the stack's, and deploy.";

/**
 * Where pools refuse for different reasons, the one that stands highest explains the launch: first what the owner
 * must change, then what holds for the whole account, then what is about single pools.
 */
export const LAUNCH_ERRORS: readonly LaunchErrorKind[] = [
  {
    code: 'OptInRequired',
    class: 'give-up',
    reason: 'the account is not subscribed to EC2, or to the image',
    advice: "Finish the account's sign-up with a valid payment method, then upload again.",
  },
  {
    code: 'Blocked',
    class: 'give-up',
    reason: 'AWS has blocked the account',
    advice: 'Ask AWS Support.',
  },
  {
    code: 'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
    class: 'configuration',
    reason: 'the account has never used spot, and the function may not create its service-linked role',
    advice:
      'Run once `aws iam create-service-linked-role --aws-service-name spot.amazonaws.com`, then for ec2fleet.amazonaws.com.',
  },
  {
    code: 'AuthFailure',
    class: 'configuration',
    reason: 'the account may not use the image, or its credentials were refused',
    advice: PERMISSION,
  },
  {
    code: 'UnauthorizedOperation',
    class: 'configuration',
    reason: 'a permission is missing',
    advice: PERMISSION,
  },
  {
    code: 'AccessDenied',
    class: 'configuration',
    reason: 'a permission is missing',
    advice: PERMISSION,
  },
  {
    code: 'AccessDeniedException',
    class: 'configuration',
    reason: 'a permission is missing',
    advice: PERMISSION,
  },
  {
    code: 'InvalidLaunchTemplateId.NotFound',
    class: 'configuration',
    reason: 'the launch template was deleted',
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidLaunchTemplateId.VersionNotFound',
    class: 'configuration',
    reason: "the launch template's version was deleted",
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidLaunchTemplateId.Malformed',
    class: 'configuration',
    reason: 'LAUNCH_TEMPLATES holds what is no launch template id',
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidLaunchTemplateName.NotFoundException',
    class: 'configuration',
    reason: 'the launch template was deleted',
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidLaunchTemplateName.MalformedException',
    class: 'configuration',
    reason: "the launch template's name is malformed",
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidAMIID.NotFound',
    class: 'configuration',
    reason: "the machines' image is gone, as old images are after some years",
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidAMIID.Unavailable',
    class: 'configuration',
    reason: "the machines' image is disabled or not yet there",
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidAMIID.Malformed',
    class: 'configuration',
    reason: "the machines' image id is malformed",
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidSnapshot.NotFound',
    class: 'configuration',
    reason: "the snapshot behind the machines' image is gone",
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidBlockDeviceMapping',
    class: 'configuration',
    reason: "the disk does not suit the image, usually because it is smaller than the image's",
    advice: 'Give the machines a larger disk and deploy.',
  },
  {
    code: 'InvalidSubnetID.NotFound',
    class: 'configuration',
    reason: 'a subnet was deleted',
    advice: 'Deploy again, or correct the subnets that the platform is given.',
  },
  {
    // "The fleet configuration contains duplicate instance pools", as others were told of two subnets in one zone:
    // https://github.com/github-aws-runners/terraform-aws-github-runner/issues/5297
    code: 'InvalidFleetConfig',
    class: 'configuration',
    reason: 'two of the subnets are in one zone, or an instance type is listed twice',
    advice: 'Name one subnet a zone, and each instance type once, and deploy.',
  },
  {
    code: 'InvalidGroup.NotFound',
    class: 'configuration',
    reason: 'the security group was deleted, or belongs to another VPC than the subnets',
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidUserData.Malformed',
    class: 'configuration',
    reason: 'the user data is not base64 or over 16 KB',
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'InvalidInstanceType',
    class: 'configuration',
    reason: 'an instance type does not exist',
    advice: 'Correct the instance types that the platform is given, and deploy.',
  },
  {
    code: 'InvalidParameter',
    class: 'configuration',
    reason: 'a parameter of the launch template or the request is wrong',
    advice: REPORT,
  },
  {
    code: 'InvalidParameterValue',
    class: 'configuration',
    reason: 'a value in the launch template or the request is wrong, such as a deleted instance profile',
    advice: REPORT,
  },
  {
    code: 'InvalidParameterCombination',
    class: 'configuration',
    reason: 'two parameters do not go together, such as an image and a type of different architecture',
    advice: REPORT,
  },
  {
    code: 'MissingParameter',
    class: 'configuration',
    reason: 'a parameter is missing',
    advice: REPORT,
  },
  {
    code: 'UnsupportedOperation',
    class: 'configuration',
    reason: 'the request asks for what EC2 does not do',
    advice: REPORT,
  },
  {
    code: 'TagPolicyViolation',
    class: 'configuration',
    reason: "the machines' tags break the organization's tag policy",
    advice: 'Let the policy allow the tags Name and spotreel:platform.',
  },
  {
    code: 'SsmAccessDenied',
    class: 'configuration',
    reason: "the role may not read the parameter that names the machines' image",
    advice: PERMISSION,
  },
  {
    code: 'InvalidSecurityGroupID.NotFound',
    class: 'configuration',
    reason: 'the security group was deleted',
    advice: DEPLOY_AGAIN,
  },
  {
    code: 'VcpuLimitExceeded',
    class: 'later',
    smaller: true,
    reason: "the account's vCPU quota is used up",
    advice: 'Ask Service Quotas for more vCPUs of standard instances, or lower maxVcpus.',
  },
  {
    code: 'InstanceLimitExceeded',
    class: 'later',
    smaller: true,
    reason: "the account's instance quota is used up",
    advice: 'Ask Service Quotas for more running instances, or end others.',
  },
  {
    code: 'MaxFleetCountExceeded',
    class: 'later',
    reason: "the account's quota of fleets is used up",
    advice: 'Ask Service Quotas for more fleets per region, or delete old ones.',
  },
  {
    code: 'VolumeLimitExceeded',
    class: 'later',
    smaller: true,
    reason: "the account's quota of disk storage is used up",
    advice: 'Ask Service Quotas for more gp3 storage, or delete unused volumes.',
  },
  {
    code: 'RequestLimitExceeded',
    class: 'later',
    reason: 'EC2 throttles the account',
    advice: WAIT,
  },
  {
    code: 'InternalError',
    class: 'later',
    reason: 'EC2 had an error of its own',
    advice: WAIT,
  },
  {
    code: 'InternalFailure',
    class: 'later',
    reason: 'EC2 had an error of its own',
    advice: WAIT,
  },
  {
    code: 'ServiceUnavailable',
    class: 'later',
    reason: 'EC2 is overloaded or down',
    advice: WAIT,
  },
  {
    code: 'Unavailable',
    class: 'later',
    reason: 'EC2 is overloaded',
    advice: WAIT,
  },
  {
    code: 'IdempotentParameterMismatch',
    class: 'later',
    reason: 'an earlier try of this same delivery asked for something else',
    advice: WAIT,
  },
  {
    code: 'PendingVerification',
    class: 'later',
    reason: 'AWS is still verifying the account',
    advice: "Wait for AWS's mail, usually within hours; ask AWS Support if it does not come.",
  },
  {
    code: 'ServerInternal',
    class: 'later',
    reason: 'EC2 had an error of its own',
    advice: WAIT,
  },
  {
    code: 'MaxSpotInstanceCountExceeded',
    class: 'elsewhere',
    smaller: true,
    reason: "the account's spot quota is used up",
    advice: "Ask Service Quotas for more 'All Standard Spot Instance Requests' vCPUs, or lower maxVcpus.",
  },
  {
    code: 'InsufficientInstanceCapacity',
    class: 'elsewhere',
    ownPool: true,
    reason: 'EC2 has no free machine of these types in these zones',
    advice: MORE_POOLS,
  },
  {
    code: 'SpotMaxPriceTooLow',
    class: 'elsewhere',
    ownPool: true,
    reason: 'the spot price is above the highest price that the request allows',
    advice: MORE_POOLS,
  },
  {
    code: 'Unsupported',
    class: 'elsewhere',
    ownPool: true,
    reason: 'the instance type does not exist in the zone',
    advice: 'Choose instance types that the region has: `aws ec2 describe-instance-type-offerings`.',
  },
  {
    code: 'InsufficientFreeAddressesInSubnet',
    class: 'elsewhere',
    ownPool: true,
    reason: 'the subnet has no free address',
    advice: 'Give the platform larger subnets, or end what else uses them.',
  },
  {
    code: 'InsufficientAddressCapacity',
    class: 'elsewhere',
    reason: 'EC2 has no free public address',
    advice: WAIT,
  },
  {
    code: 'InsufficientVolumeCapacity',
    class: 'elsewhere',
    ownPool: true,
    reason: 'the zone has no room for the disk',
    advice: WAIT,
  },
  {
    code: 'InvalidFleetConfiguration',
    class: 'elsewhere',
    ownPool: true,
    reason: 'a zone does not have an instance type',
    advice: 'Choose instance types that the region has: `aws ec2 describe-instance-type-offerings`.',
  },
  {
    code: 'UnfulfillableCapacity',
    class: 'elsewhere',
    reason: 'EC2 has too little spare capacity for the spot request',
    advice: MORE_POOLS,
  },
];

/**
 * CreateFleet tries a few pools and gives all others this code, whatever their state (three were measured to be
 * tried), so beside another code it says nothing.
 */
const NOT_TRIED = 'UnfulfillableCapacity';

const RANK = new Map(LAUNCH_ERRORS.map(({ code }, index) => [code, index]));

/** What a code means. One that the table does not know counts as passing, and wants a row. */
export function classify(code: string): LaunchErrorKind {
  return (
    LAUNCH_ERRORS[RANK.get(code) ?? -1] ?? {
      code,
      class: 'later',
      reason: 'Spotreel does not know this error',
      advice: 'Look at its text; if it lasts, report it, so that jobs/launch-errors.ts gets a row for it.',
    }
  );
}

/** One pool's refusal, or the whole request's, in EC2's words. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  /** The pool that refused, where EC2 names it. */
  readonly pool?: { readonly type: string; readonly subnetId: string };
}

/** The refusal that explains best why nothing was launched, and what it means. */
export function explain(refusals: readonly Refusal[]): Refusal & LaunchErrorKind {
  const rank = ({ code }: Refusal) =>
    code === NOT_TRIED ? Infinity : (RANK.get(code) ?? LAUNCH_ERRORS.length);
  const best = refusals.toSorted((a, b) => rank(a) - rank(b))[0] ?? SILENT;
  return { ...best, ...classify(best.code) };
}

/** EC2 answered with neither machine nor error. */
const SILENT: Refusal = { code: 'NoReason', message: 'the answer named neither a machine nor an error' };

/** Nothing was launched and nothing of ours runs, so a message must come back later. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
  readonly code: string;
  readonly class: LaunchErrorClass;
  readonly advice: string;

  constructor(refusals: readonly Refusal[]) {
    const { code, reason, advice, message, class: kind } = explain(refusals);
    super(`No machine was launched: ${reason} (${code}: ${message}). ${advice}`);
    this.code = code;
    this.class = kind;
    this.advice = advice;
  }
}
