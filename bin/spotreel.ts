/** The CDK app: `npx cdk deploy`, with settings from `cdk.json` or `-c name=value` (lib/context.ts). */
import { App } from 'aws-cdk-lib';
import { propsFromContext, SpotreelStack } from '../lib/index.ts';

const app = new App();
new SpotreelStack(app, 'Spotreel', propsFromContext(app.node));
