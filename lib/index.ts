/** Spotreel for CDK apps: the construct, and the stack that `cdk deploy` makes of it. */
export { Spotreel, type SpotreelProps } from './spotreel.ts';

// What else an app may want: types, settings by CDK context, the stacks.

export type { VpcIds } from '../jobs/vpc-ids.ts';
export { type ContextProps, propsFromContext } from './context.ts';
export { deploymentIn } from './deployment.ts';
export type { Architecture, WorkerType } from './instance-types.ts';
export { SpotreelStack, type SpotreelStackProps } from './stack.ts';
export { SpotreelStateStack, type State } from './state.ts';
export { SpotreelWebAclStack, type SpotreelWebAclStackProps, type WebAclRules } from './web-acl.ts';
