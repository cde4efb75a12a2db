/** A deployment as `cdk deploy` makes it, by CDK context: the platform, beside it what outlives it, and a firewall if one is wanted. */
import { type App, RemovalPolicy } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import { CONTEXT_KEYS, propsFromContext } from './context.ts';
import { SpotreelStack } from './stack.ts';
import { SpotreelStateStack } from './state.ts';
import { SpotreelWebAclStack, type WebAclRules } from './web-acl.ts';

/**
 * Makes the stacks `Spotreel` and `SpotreelState`, or what the context's `name` says instead of `Spotreel`: deployments
 * of different names stand side by side in one account and region. A web ACL of ours is a stack in us-east-1.
 * @param region of the platform, as the CDK CLI tells it
 */
export function deploymentIn(app: App, region = process.env['CDK_DEFAULT_REGION']): void {
  requireSettings(app);
  const name = String(app.node.tryGetContext('name') ?? 'Spotreel');
  const { webAcl, ...given } = propsFromContext(app.node);
  const props = {
    ...given,
    ...(webAcl !== undefined && {
      webAcl: typeof webAcl === 'string' ? webAcl : webAclFor(app, name, region, webAcl),
    }),
  };
  // What is to go with the platform is in its stack.
  if (props.removalPolicy === RemovalPolicy.DESTROY) new SpotreelStack(app, name, props);
  else {
    const { lifecycle = {}, ...platform } = props;
    new SpotreelStack(app, name, {
      ...platform,
      state: new SpotreelStateStack(app, `${name}State`, { lifecycle }),
    });
  }
}

/** Throws where the context has a word that is no setting: mistyped, it would be passed over. CDK's own keys are no words. */
function requireSettings({ node }: App): void {
  const known = [...CONTEXT_KEYS, 'name'];
  const strange = Object.keys(node.getAllContext()).filter(
    (key) => /^\w+$/.test(key) && !known.includes(key),
  );
  if (strange.length > 0)
    throw new Error(
      `The CDK context is not usable: ${strange.join(', ')} is no setting; docs/deploying.md has them all`,
    );
}

/** Its name has the platform's region: platforms of one name in several regions have one each, all of them in us-east-1. */
function webAclFor(
  app: App,
  name: string,
  region: string | undefined,
  rules: WebAclRules,
): SpotreelWebAclStack {
  if (region === undefined)
    throw new Error('webAcl makes a stack that is named by the platform’s region; set AWS_REGION');
  const { partition = 'aws' } = RegionInfo.get(region);
  if (partition !== 'aws')
    throw new Error(
      `webAcl makes a stack in us-east-1, of which CloudFront of ${partition} knows nothing; leave it out`,
    );
  return new SpotreelWebAclStack(app, `${name}WebAcl-${region}`, { rules });
}
