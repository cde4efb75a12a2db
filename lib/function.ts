/** A Lambda function of the platform: its code, its role, its log. */
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import { allow, type Permission } from './allow.ts';
import { lambdaCode } from './bundle.ts';

/** The variables that a schema asks for, but for a laptop's endpoints. */
export type Deployed<T extends z.ZodType> = Omit<Record<keyof z.input<T>, string>, `AWS_${string}`>;

export interface PlatformFunctionProps {
  readonly description: string;
  /** File in `lambda/` that exports `handler`. */
  readonly entry: string;
  readonly timeoutSeconds: number;
  readonly environment: Readonly<Record<string, string>>;
  /** What it may do besides writing its log. */
  readonly permissions: readonly Permission[];
}

export class PlatformFunction extends Construct {
  readonly handler: lambda.Function;

  constructor(scope: Construct, id: string, props: PlatformFunctionProps) {
    super(scope, id);
    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new iam.Role(this, 'Role', { assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com') });
    allow(role, [
      { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
      ...props.permissions,
    ]);
    this.handler = new lambda.Function(this, 'Handler', {
      description: props.description,
      code: lambdaCode(`lambda/${props.entry}`),
      handler: 'index.handler',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      timeout: Duration.seconds(props.timeoutSeconds),
      role,
      logGroup,
      environment: { ...props.environment },
    });
  }
}
