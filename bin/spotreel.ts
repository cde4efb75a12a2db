/** The CDK app: `npx cdk deploy --all`, with settings from `cdk.json` or `-c name=value` (lib/context.ts). */
import { App } from 'aws-cdk-lib';
import { deploymentIn } from '../lib/index.ts';

deploymentIn(new App());
