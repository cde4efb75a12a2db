/** A Lambda function of the platform: its code, its role, its log. */
import { fileURLToPath } from 'node:url';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { LogLevel, NodejsFunction, OutputFormat } from 'aws-cdk-lib/aws-lambda-nodejs';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { allow, type Permission } from './allow.ts';
import { REQUIRE_BANNER } from './worker-bundle.ts';

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
  readonly handler: NodejsFunction;

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
    this.handler = new NodejsFunction(this, 'Handler', {
      description: props.description,
      entry: fileURLToPath(new URL(`../lambda/${props.entry}`, import.meta.url)),
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      timeout: Duration.seconds(props.timeoutSeconds),
      role,
      logGroup,
      environment: { ...props.environment },
      bundling: {
        format: OutputFormat.ESM,
        target: 'node24',
        banner: REQUIRE_BANNER,
        minify: true,
        keepNames: true, // the SDK's errors are told apart by name
        bundleAwsSDK: true, // the version that the tests ran with, not the runtime's
        forceDockerBundling: false,
        logLevel: LogLevel.ERROR, // its size in bold is not news
      },
    });
  }
}
