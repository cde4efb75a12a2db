/** SSM's Parameter Store. */
import { DeleteParameterCommand, ParameterNotFound, type SSMClient } from '@aws-sdk/client-ssm';

/** Deletes a parameter; does nothing where there is none. */
export async function deleteParameter(ssm: SSMClient, Name: string): Promise<void> {
  await ssm.send(new DeleteParameterCommand({ Name })).catch((error: unknown) => {
    if (!(error instanceof ParameterNotFound)) throw error;
  });
}
