/** Permissions, each with the reason for what it leaves open. */
import { Stack, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as s3 from 'aws-cdk-lib/aws-s3';

/** What a role may do. `why` is asked for where a resource has a wildcard, and answers cdk-nag's rule IAM5. */
export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly why?: string;
}

/** Listings of a bucket's prefixes; also what makes S3 say 404 instead of 403 for what is not there. */
export const mayList = (bucket: s3.IBucket, ...prefixes: readonly string[]): Permission => ({
  actions: ['s3:ListBucket'],
  resources: [bucket.bucketArn],
  conditions: { StringLike: { 's3:prefix': prefixes.map((prefix) => `${prefix}*`) } },
});

/** What may be done with objects of a bucket, by their prefixes. */
export const mayUse = (
  bucket: s3.IBucket,
  actions: readonly `s3:${string}`[],
  ...prefixes: readonly string[]
): Permission => ({
  actions,
  resources: prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
  why: 'Keys are made at run time; the prefix holds nothing else.',
});

/** The ARN of parameters in SSM's Parameter Store. @param path of one, or of all below it: with `*` at its end */
export const parameterArn = (stack: Stack, path: string): string =>
  stack.formatArn({ service: 'ssm', resource: 'parameter', resourceName: path.replace(/^\//, '') });

/**
 * What Session Manager and what is built on it need of a machine's role, and no more of AmazonSSMManagedInstanceCore, which
 * could read every parameter: https://docs.aws.amazon.com/systems-manager/latest/userguide/getting-started-create-iam-instance-profile.html
 */
export const SESSION_ACTIONS = [
  'ssm:UpdateInstanceInformation',
  'ssmmessages:CreateControlChannel',
  'ssmmessages:CreateDataChannel',
  'ssmmessages:OpenControlChannel',
  'ssmmessages:OpenDataChannel',
] as const;

/** Gives a role permissions. Throws an `Error` on a wildcard without a `why`. */
export function allow(role: iam.Role, permissions: readonly Permission[]): void {
  for (const { actions, resources, conditions, why } of permissions) {
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: [...actions],
        resources: [...resources],
        ...(conditions !== undefined && { conditions }),
      }),
    );
    const wildcards = resources
      .map((arn): unknown => Stack.of(role).resolve(arn))
      .filter((arn) => JSON.stringify(arn).includes('*'));
    for (const resource of wildcards.map(spelled)) {
      if (why === undefined) throw new Error(`Say why ${actions.join(', ')} may touch ${resource}`);
      Validations.of(role).acknowledge({ id: `AwsSolutions-IAM5[Resource::${resource}]`, reason: why });
    }
  }
}

/** A resolved ARN as cdk-nag spells it in its findings: references in angle brackets. */
function spelled(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null) {
    if ('Ref' in value) return `<${value.Ref}>`;
    if ('Fn::GetAtt' in value && Array.isArray(value['Fn::GetAtt']))
      return `<${value['Fn::GetAtt'].join('.')}>`;
    if ('Fn::Join' in value && Array.isArray(value['Fn::Join'])) {
      const [delimiter, parts]: unknown[] = value['Fn::Join'];
      if (Array.isArray(parts)) return parts.map(spelled).join(String(delimiter));
    }
  }
  throw new Error(`Not an ARN: ${JSON.stringify(value)}`);
}
