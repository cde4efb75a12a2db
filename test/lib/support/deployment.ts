/** A deployment's templates, of all its stacks, as `cdk deploy` would be given them. */
import type { CloudFormationStackArtifact } from 'aws-cdk-lib/cx-api';
import { z } from 'zod';
import { deploymentIn } from '../../../lib/index.ts';
import { testApp } from './template.ts';

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.looseObject({
      Type: z.string(),
      Properties: z.record(z.string(), z.unknown()).default({}),
      DeletionPolicy: z.string().optional(),
    }),
  ),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })).default({}),
});

export interface DeployedStack extends z.infer<typeof templateSchema> {
  readonly name: string;
  readonly artifact: CloudFormationStackArtifact;
}

/**
 * @param context what stands in `cdk.json`, or after `-c`
 * @param region where the platform goes, as the CDK CLI tells the app
 */
export function deployment(context: Record<string, unknown> = {}, region?: string): DeployedStack[] {
  const app = testApp(context);
  deploymentIn(app, region);
  return app.synth().stacks.map((artifact) => ({
    name: artifact.stackName,
    artifact,
    ...templateSchema.parse(artifact.template),
  }));
}
