/** Lambda `api`: HTTP requests, as API Gateway hands them over, answered by the API. */
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { SSMClient } from '@aws-sdk/client-ssm';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { handle, type LambdaEvent } from 'hono/aws-lambda';

import { createApi } from '../api/app.ts';
import { openAccess, tokenAccess } from '../api/token-access.ts';
import { IotAnnouncer } from '../jobs/announcer.ts';
import { Endpoints } from '../jobs/endpoints.ts';
import { apiEnvironmentSchema, ceilingsOf, parseEnvironment } from '../jobs/environment.ts';
import { invocations } from '../jobs/invocation.ts';
import { KeyValueStore, keyValueStoreClient } from '../jobs/key-value-store.ts';
import { PlaybackKeys } from '../jobs/playback-keys.ts';
import { ObjectStore } from '../jobs/store.ts';
import { Tokens } from '../jobs/tokens.ts';

const environment = parseEnvironment(apiEnvironmentSchema, process.env);
// It presigns for bodies that it never sees, so it must not sign checksums of none.
const s3 = new S3Client({ requestChecksumCalculation: 'WHEN_REQUIRED' });

const ssm = new SSMClient({});
const tokens = new Tokens(ssm, environment.PARAMETERS);
const stores = {
  uploads: new ObjectStore(s3, environment.UPLOAD_BUCKET),
  production: new ObjectStore(s3, environment.PRODUCTION_BUCKET),
};

const edge = new KeyValueStore(keyValueStoreClient(), environment.KEY_VALUE_STORE);
const announcer = new IotAnnouncer(new IoTDataPlaneClient({}), environment.LIVE_TOPICS);

const answer = handle(
  createApi({
    s3,
    stores,
    sqs: new SQSClient({}),
    uploadsQueueUrl: environment.UPLOADS_QUEUE_URL,
    settings: environment.ENCODE_SETTINGS,
    authenticate: environment.ACCESS === 'open' ? openAccess(tokens) : tokenAccess(tokens, environment.OIDC),
    tokens,
    edge,
    playbackKeys: new PlaybackKeys(ssm, environment.PARAMETERS, edge),
    webhooks: {
      endpoints: new Endpoints(stores.uploads, ssm, environment.PARAMETERS),
      eventsQueueUrl: environment.EVENTS_QUEUE_URL,
      reach: environment.WEBHOOK_REACH,
    },
    live: { url: environment.LIVE_URL, topics: environment.LIVE_TOPICS },
    announcer,
    corsOrigins: environment.CORS_ORIGINS,
    quota: environment.QUOTA,
    prices: environment.PRICES,
    ceilings: ceilingsOf(environment),
  }),
);

/** Answers a request. A body that comes with a GET means nothing (RFC 9110, 9.3.1), and `Request` takes none. */
export const handler = invocations('api', environment.PLATFORM, async (event: APIGatewayProxyEventV2) => {
  const hasBody = !['GET', 'HEAD'].includes(event.requestContext.http.method);
  // hono declares an event of its own, which asks for an authorizer that it never reads.
  const answered = await answer({
    ...event,
    body: (hasBody && event.body) || null,
  } as unknown as LambdaEvent);
  await announcer.settled();
  return answered;
});
