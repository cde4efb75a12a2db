/**
 * The MQTT broker of a laptop: aedes, with the rules of AWS IoT. Who connects is judged by the authorizer's Lambda, and
 * what they do by the policies that it answered.
 */
import { Aedes, type AuthenticateError, type Client } from 'aedes';
import type { IoTCustomAuthorizerEvent } from 'aws-lambda';
import { z } from 'zod';
import type { LambdaFunction } from '../lambda/function.ts';
import { isAllowed, type Policy, policySchema } from './policy.ts';

/** MQTT 3.1.1, 3.2.2.3: "Not authorized". */
const NOT_AUTHORIZED = 5;

const judgementSchema = z.object({
  isAuthenticated: z.boolean(),
  disconnectAfterInSeconds: z.int().min(300).max(86_400),
  policyDocuments: z.array(policySchema),
});

export interface BrokerOptions {
  readonly authorizer: LambdaFunction;
  /** `arn:aws:iot:<region>:<account>`, as the authorizer's policies name it. */
  readonly arn: string;
}

export interface Broker {
  /** Takes a connection over. */
  readonly handle: Aedes['handle'];
  /** Publishes as the data plane does. */
  publish(message: { topic: string; payload: string; qos: 0 | 1; retain: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** What the authorizer is asked of a client. */
const eventOf = (client: Client, username: string | undefined, password: Buffer | undefined) =>
  ({
    signatureVerified: false,
    protocols: ['tls', 'http', 'mqtt'],
    protocolData: {
      mqtt: {
        clientId: client.id,
        ...(username !== undefined && { username }),
        ...(password !== undefined && { password: password.toString('base64') }),
      },
    },
    connectionMetadata: { id: client.id },
  }) satisfies IoTCustomAuthorizerEvent;

/** Starts it. */
export async function startBroker({ authorizer, arn }: BrokerOptions): Promise<Broker> {
  const policies = new WeakMap<Client, readonly Policy[]>();
  const may = (client: Client, action: string, resource: string): boolean =>
    isAllowed(policies.get(client) ?? [], `iot:${action}`, `${arn}:${resource}`);

  /** Whether a client may connect; for how long, its policies' answer says. */
  const admit = async (client: Client, event: IoTCustomAuthorizerEvent): Promise<boolean> => {
    const judged = judgementSchema.parse(await authorizer.invoke(event));
    if (!judged.isAuthenticated) return false;
    policies.set(client, judged.policyDocuments);
    const timer = setTimeout(() => client.close(), judged.disconnectAfterInSeconds * 1000);
    client.conn.once('close', () => clearTimeout(timer));
    return may(client, 'Connect', `client/${client.id}`);
  };

  const broker = await Aedes.createBroker({
    authenticate(client, username, password, done) {
      const refusal: AuthenticateError = Object.assign(new Error('Not authorized'), {
        returnCode: NOT_AUTHORIZED,
      });
      admit(client, eventOf(client, username, password)).then(
        (admitted) => done(admitted ? null : refusal, admitted),
        async (error: unknown) => {
          await authorizer.log(error);
          done(refusal, false);
        },
      );
    },
    // As IoT does: what is not allowed ends the connection.
    authorizePublish(client, { topic }, done) {
      done(client === null || may(client, 'Publish', `topic/${topic}`) ? null : new Error(`not to ${topic}`));
    },
    authorizeSubscribe(client, subscription, done) {
      if (may(client, 'Subscribe', `topicfilter/${subscription.topic}`)) done(null, subscription);
      else done(new Error(`not of ${subscription.topic}`));
    },
    authorizeForward: (client, packet) => (may(client, 'Receive', `topic/${packet.topic}`) ? packet : null),
  });
  // Who is refused, or goes without a word, is no news.
  for (const event of ['clientError', 'connectionError'] as const) broker.on(event, () => {});

  return {
    handle: broker.handle,
    publish(message) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      broker.publish({ cmd: 'publish', dup: false, ...message }, (error) =>
        error ? reject(error) : resolve(),
      );
      return promise;
    },
    close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      broker.close(resolve);
      return promise;
    },
  };
}
