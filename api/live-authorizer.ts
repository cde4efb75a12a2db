/**
 * Who may connect to the broker, and hear what: the answer of AWS IoT's custom authorizer. It allows connecting,
 * subscribing and receiving on exactly what the token is for; publishing never.
 * https://docs.aws.amazon.com/iot/latest/developerguide/config-custom-auth.html
 */
import type { IoTCustomAuthorizerEvent, IoTCustomAuthorizerResult, Statement } from 'aws-lambda';
import { EVERY_VIDEO, liveTopic } from '../jobs/live-message.ts';
import { log } from '../jobs/log.ts';
import { readLiveToken } from './live-tokens.ts';

/** Seconds that IoT takes for the length of a connection. */
const CONNECTION_SECONDS = { shortest: 300, longest: 86_400 } as const;

/** Letters and digits alone. */
const PRINCIPAL = 'spotreel';

const REFUSED: IoTCustomAuthorizerResult = {
  isAuthenticated: false,
  principalId: PRINCIPAL,
  disconnectAfterInSeconds: CONNECTION_SECONDS.shortest,
  refreshAfterInSeconds: CONNECTION_SECONDS.shortest,
  policyDocuments: [],
};

export interface LiveAuthorizer {
  readonly secret: Uint8Array;
  /** What the platform's topics begin with. */
  readonly topics: string;
  /** `arn:aws:iot:<region>:<account>`, where the broker is. */
  readonly arn: string;
}

/** Judges a client that wants to connect. */
export async function authorizeLive(
  { secret, topics, arn }: LiveAuthorizer,
  event: IoTCustomAuthorizerEvent,
): Promise<IoTCustomAuthorizerResult> {
  const { clientId = '', password = '' } = event.protocolData.mqtt ?? {};
  const token = await readLiveToken(secret, Buffer.from(password, 'base64').toString()).catch(
    () => undefined,
  );
  if (token?.clientId !== clientId) {
    log('info', 'live-refused', { connection: event.connectionMetadata.id });
    return REFUSED;
  }
  const { shortest, longest } = CONNECTION_SECONDS;
  const seconds = Math.ceil(token.expires - Date.now() / 1000);
  const filter = liveTopic(topics, token.video);
  const received = liveTopic(topics, token.video === EVERY_VIDEO ? '*' : token.video);
  const allow = (Action: string, resource: string): Statement => ({
    Effect: 'Allow',
    Action,
    Resource: `${arn}:${resource}`,
  });
  return {
    isAuthenticated: true,
    principalId: PRINCIPAL,
    disconnectAfterInSeconds: Math.min(Math.max(seconds, shortest), longest),
    // The token says it all, and holds until then.
    refreshAfterInSeconds: longest,
    policyDocuments: [
      {
        Version: '2012-10-17',
        Statement: [
          allow('iot:Connect', `client/${clientId}`),
          // In a filter `+` stands for itself: it allows that filter and no other.
          allow('iot:Subscribe', `topicfilter/${filter}`),
          allow('iot:Receive', `topic/${received}`),
        ],
      },
    ],
  };
}
