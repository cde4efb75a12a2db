/** A deployment as `cdk deploy` makes it, by CDK context: the platform, and beside it what outlives it. */
import { type App, RemovalPolicy } from 'aws-cdk-lib';
import { propsFromContext } from './context.ts';
import { SpotreelStack } from './stack.ts';
import { SpotreelStateStack } from './state.ts';

/**
 * Makes the stacks `Spotreel` and `SpotreelState`, or what the context's `name` says instead of `Spotreel`: deployments
 * of different names stand side by side in one account and region.
 */
export function deploymentIn(app: App): void {
  const name = String(app.node.tryGetContext('name') ?? 'Spotreel');
  const props = propsFromContext(app.node);
  // What is to go with the platform is in its stack.
  if (props.removalPolicy === RemovalPolicy.DESTROY) new SpotreelStack(app, name, props);
  else {
    const { lifecycle = {} } = props;
    new SpotreelStack(app, name, {
      ...props,
      state: new SpotreelStateStack(app, `${name}State`, { lifecycle }),
    });
  }
}
