/**
 * Live progress: the broker of AWS IoT, which every account has, and who may connect to it. The Lambda
 * `authorize-live` is asked by IoT; the pages learn the address from the API.
 */
import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as iot from 'aws-cdk-lib/aws-iot';
import * as logs from 'aws-cdk-lib/aws-logs';
import { AwsCustomResource, PhysicalResourceId } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { authorizeLiveEnvironmentSchema } from '../jobs/environment.ts';
import { liveTopic } from '../jobs/live-message.ts';
import { AUTHORIZE_TIMEOUT_SECONDS } from '../jobs/platform.ts';
import { allow, type Permission, parameterArn } from './allow.ts';
import { PlatformFunction } from './function.ts';

export interface LiveProps {
  /** Names this deployment. */
  readonly platform: string;
  /** What the topics of the platform's messages begin with. */
  readonly liveTopics: string;
  /** Where the API's tokens are kept in SSM's Parameter Store. */
  readonly parameters: string;
}

export class Live extends Construct {
  /** `wss://…`, where clients connect to. */
  readonly url: string;
  /** `wss://…`, as a content security policy names it. */
  readonly origin: string;

  constructor(scope: Construct, id: string, { platform, liveTopics, parameters }: LiveProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const environment: Record<keyof z.input<typeof authorizeLiveEnvironmentSchema>, string> = {
      PLATFORM: platform,
      PARAMETERS: parameters,
      LIVE_TOPICS: liveTopics,
    };
    const { handler } = new PlatformFunction(this, 'Authorize', {
      description: 'Spotreel: who may follow which videos',
      entry: 'authorize-live.ts',
      timeoutSeconds: AUTHORIZE_TIMEOUT_SECONDS,
      environment,
      permissions: [
        {
          actions: ['ssm:GetParameter'],
          resources: [parameterArn(stack, `${parameters}/upload-token-secret`)],
        },
      ],
    });
    const authorizer = new iot.CfnAuthorizer(this, 'Authorizer', {
      authorizerFunctionArn: handler.functionArn,
      signingDisabled: true, // the token is signed, and the function checks that
      status: 'ACTIVE',
    });
    handler.addPermission('Iot', {
      principal: new iam.ServicePrincipal('iot.amazonaws.com'),
      sourceArn: authorizer.attrArn,
    });
    this.origin = `wss://${this.#endpoint()}`;
    this.url = `${this.origin}/mqtt?x-amz-customauthorizer-name=${authorizer.ref}`;
  }

  /** Host name of the account's broker, which CloudFormation has no word for. */
  #endpoint(): string {
    const role = new iam.Role(this, 'EndpointRole', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    });
    const logGroup = new logs.LogGroup(this, 'EndpointLogs', {
      retention: logs.RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    allow(role, [
      { actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] },
      { actions: ['iot:DescribeEndpoint'], resources: ['*'], why: 'IoT knows no resource for it.' },
    ]);
    const described = new AwsCustomResource(this, 'Endpoint', {
      onUpdate: {
        service: 'Iot',
        action: 'DescribeEndpoint',
        parameters: { endpointType: 'iot:Data-ATS' },
        physicalResourceId: PhysicalResourceId.of('endpoint'),
      },
      installLatestAwsSdk: false,
      role,
      logGroup,
    });
    return described.getResponseField('endpointAddress');
  }
}

/** Publishing messages about videos, and keeping the last one for who comes late. */
export const mayPublishLive = (stack: Stack, topics: string): Permission => ({
  actions: ['iot:Publish', 'iot:RetainPublish'],
  resources: [stack.formatArn({ service: 'iot', resource: 'topic', resourceName: liveTopic(topics, '*') })],
  why: 'A topic a video, whose ids are made at run time.',
});
