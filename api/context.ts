/** What the API's handlers work with. */
import type { S3Client } from '@aws-sdk/client-s3';
import type { Announcer } from '../jobs/announcer.ts';
import type { Endpoints } from '../jobs/endpoints.ts';
import type { Quota } from '../jobs/environment.ts';
import type { KeyValueStore } from '../jobs/key-value-store.ts';
import type { Ceilings } from '../jobs/ledger.ts';
import type { PlaybackKeys } from '../jobs/playback-keys.ts';
import type { Redriver } from '../jobs/redrive.ts';
import type { Tokens } from '../jobs/tokens.ts';
import type { Reach } from '../jobs/webhook-request.ts';
import type { Prices } from '../video/prices.ts';
import type { Authenticate, Principal } from './access.ts';

/** Where who follows videos is to connect. */
export interface LiveBroker {
  /** `wss://…/mqtt`, with the name of the authorizer. */
  readonly url: string;
  /** What all topics of this platform begin with. */
  readonly topics: string;
}

/** What webhooks are kept and sent with. */
export interface Webhooks {
  readonly endpoints: Endpoints;
  readonly eventsQueueUrl: string;
  /** Where endpoints may be. */
  readonly reach: Reach;
}

export interface ApiContext extends Redriver {
  /** For presigning; its bucket is that of `stores.uploads`. */
  readonly s3: S3Client;
  readonly authenticate: Authenticate;
  readonly tokens: Tokens;
  /** What the edge knows of videos and keys. */
  readonly edge: KeyValueStore;
  readonly playbackKeys: PlaybackKeys;
  readonly live: LiveBroker;
  readonly announcer: Announcer;
  readonly webhooks: Webhooks;
  /** Sites whose pages may call the API, besides our own: `https://example.org`. */
  readonly corsOrigins: readonly string[];
  /** What machines may cost. */
  readonly ceilings: Ceilings;
  /** What costs are told by. */
  readonly prices: Prices;
  /** What each caller may use; undefined for as much as they like. */
  readonly quota: Quota | undefined;
}

/** What hono carries with a request. */
export interface ApiEnv {
  Variables: { who: Principal | undefined };
}
