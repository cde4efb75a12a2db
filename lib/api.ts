/** Lambda `api` behind an HTTP API of API Gateway: what CloudFront asks for every path below `/api/`. */
import { Stack, Validations } from 'aws-cdk-lib';
import * as apigateway from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import type { apiEnvironmentSchema, OidcInput, Quota } from '../jobs/environment.ts';
import {
  DELETED_PREFIX,
  IDEMPOTENCY_PREFIX,
  JOBS_PREFIX,
  OLD_PREFIX,
  OPEN_PREFIX,
  PENDING_PREFIX,
  UNSETTLED_PREFIX,
  UNTOLD_PREFIX,
  UPLOADS_PREFIX,
  USAGE_PREFIX,
  VIDEOS_PREFIX,
  WEBHOOKS_PREFIX,
} from '../jobs/names.ts';
import { API_THROTTLE, API_TIMEOUT_SECONDS } from '../jobs/platform.ts';
import { mayList, mayUse, type Permission, parameterArn } from './allow.ts';
import { deletionOf } from './deletion.ts';
import type { EdgeStore } from './edge-store.ts';
import { type Deployed, PlatformFunction } from './function.ts';
import { type Live, mayPublishLive } from './live.ts';
import type { Queues } from './queues.ts';
import { ledgerOf, type SpendingProps } from './spending.ts';
import type { Storage } from './storage.ts';

export interface ApiProps extends Omit<SpendingProps, 'rootVolume'> {
  /** Names this deployment. */
  readonly platform: string;
  /** Where its tokens are kept in SSM's Parameter Store. */
  readonly parameters: string;
  /** What the topics of the platform's messages begin with. */
  readonly liveTopics: string;
  readonly live: Live;
  readonly storage: Storage;
  readonly queues: Queues;
  readonly edgeStore: EdgeStore;
  readonly encodeSettings: Readonly<Record<string, unknown>>;
  readonly oidc: OidcInput | undefined;
  readonly corsOrigins: readonly string[];
  readonly quota: Quota;
}

export class Api extends Construct {
  readonly httpApi: apigateway.HttpApi;
  /** Host name of the HTTP API. */
  readonly domain: string;

  constructor(scope: Construct, id: string, props: ApiProps) {
    super(scope, id);
    const {
      platform,
      parameters,
      storage,
      queues,
      live,
      encodeSettings,
      oidc,
      corsOrigins,
      quota,
      edgeStore,
    } = props;
    const stack = Stack.of(this);
    type Environment = Omit<Deployed<typeof apiEnvironmentSchema>, 'OIDC'>;
    const environment: Environment & { OIDC?: string } = {
      PLATFORM: platform,
      ...edgeStore.environment,
      UPLOAD_BUCKET: storage.uploads.bucketName,
      PRODUCTION_BUCKET: storage.production.bucketName,
      UPLOADS_QUEUE_URL: queues.uploads.queueUrl,
      ENCODE_SETTINGS: JSON.stringify(encodeSettings),
      ACCESS: 'tokens',
      PARAMETERS: parameters,
      EVENTS_QUEUE_URL: queues.events.queueUrl,
      WEBHOOK_REACH: 'public',
      LIVE_TOPICS: props.liveTopics,
      LIVE_URL: live.url,
      CORS_ORIGINS: JSON.stringify(corsOrigins),
      QUOTA: JSON.stringify(quota),
      DAILY_CEILING: String(props.dailyCeiling),
      MONTHLY_CEILING: String(props.monthlyCeiling),
      PRICES: JSON.stringify(props.prices),
      ...(oidc && { OIDC: JSON.stringify(oidc) }),
    };
    const { handler } = new PlatformFunction(this, 'Function', {
      description: 'Spotreel: the HTTP API',
      entry: 'api.ts',
      timeoutSeconds: API_TIMEOUT_SECONDS,
      environment,
      permissions: [
        ...permissionsOf(stack, props),
        mayPublishLive(stack, props.liveTopics),
        edgeStore.mayWrite,
      ],
    });

    const httpApi = new apigateway.HttpApi(this, 'HttpApi', {
      description: 'Spotreel: the HTTP API',
      createDefaultStage: false,
      defaultIntegration: new HttpLambdaIntegration('Lambda', handler),
    });
    const stage = new apigateway.HttpStage(this, 'Stage', {
      httpApi,
      autoDeploy: true,
      throttle: { rateLimit: API_THROTTLE.requestsPerSecond, burstLimit: API_THROTTLE.burst },
    });
    Validations.of(httpApi).acknowledge({
      id: 'AwsSolutions-APIG4',
      reason: 'The function itself asks for tokens; some of its answers need none.',
    });
    Validations.of(stage).acknowledge({
      id: 'AwsSolutions-APIG1',
      reason: 'The function logs what fails; a line a request would bill for nothing that anybody reads.',
    });
    this.httpApi = httpApi;
    this.domain = `${httpApi.apiId}.execute-api.${stack.region}.${stack.urlSuffix}`;
  }
}

function permissionsOf(stack: Stack, { parameters, storage, queues }: ApiProps): Permission[] {
  const { uploads, production } = storage;
  return [
    mayUse(
      uploads,
      ['s3:GetObject', 's3:PutObject'],
      JOBS_PREFIX,
      PENDING_PREFIX,
      OLD_PREFIX,
      IDEMPOTENCY_PREFIX,
      USAGE_PREFIX,
    ),
    mayUse(uploads, ['s3:PutObject'], OPEN_PREFIX, UNTOLD_PREFIX),
    mayUse(uploads, ['s3:PutObject', 's3:DeleteObject'], UNSETTLED_PREFIX),
    // What it may not do itself, its presigned URLs do not let others do.
    mayUse(uploads, ['s3:GetObject', 's3:PutObject', 's3:ListMultipartUploadParts'], UPLOADS_PREFIX),
    mayUse(production, ['s3:GetObject', 's3:PutObject'], VIDEOS_PREFIX),
    ...ledgerOf(storage),
    ...deletionOf({ uploads, production }),
    mayUse(uploads, ['s3:PutObject'], DELETED_PREFIX),
    // 404 instead of 403 for what is not there.
    mayList(uploads, IDEMPOTENCY_PREFIX, USAGE_PREFIX),
    mayUse(uploads, ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'], WEBHOOKS_PREFIX),
    { actions: ['sqs:SendMessage'], resources: [queues.uploads.queueArn, queues.events.queueArn] },
    {
      actions: ['ssm:GetParameter', 'ssm:GetParametersByPath', 'ssm:PutParameter', 'ssm:DeleteParameter'],
      resources: [parameterArn(stack, `${parameters}/*`)],
      why: 'Tokens are named by their hashes, secrets of webhooks by their endpoints; all below the path is the API’s own.',
    },
  ];
}
