/** Lambda `authorize-live`: who may connect to the broker of live progress, asked by AWS IoT. */
import { SSMClient } from '@aws-sdk/client-ssm';
import type { IoTCustomAuthorizerEvent, IoTCustomAuthorizerResult } from 'aws-lambda';
import { authorizeLive } from '../api/live-authorizer.ts';
import { authorizeLiveEnvironmentSchema, parseEnvironment } from '../jobs/environment.ts';
import { invocations } from '../jobs/invocation.ts';
import { Tokens } from '../jobs/tokens.ts';

const environment = parseEnvironment(authorizeLiveEnvironmentSchema, process.env);
const tokens = new Tokens(new SSMClient({}), environment.PARAMETERS);

type Event = IoTCustomAuthorizerEvent;
type Result = IoTCustomAuthorizerResult;

export const handler = invocations<Event, Result>(
  'authorize-live',
  environment.PLATFORM,
  async (event, { invokedFunctionArn }) => {
    const [, partition, , region, account] = invokedFunctionArn.split(':');
    const arn = `arn:${partition}:iot:${region}:${account}`;
    return authorizeLive({ secret: await tokens.secret(), topics: environment.LIVE_TOPICS, arn }, event);
  },
);
