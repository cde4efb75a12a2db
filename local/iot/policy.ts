/**
 * IoT policies, as far as an authorizer's answer needs them: what is not allowed is refused, and a refusal outweighs.
 * https://docs.aws.amazon.com/iot/latest/developerguide/iot-policies.html
 */
import { z } from 'zod';

const oneOrMore = z.union([z.string(), z.array(z.string())]).transform((value) => [value].flat());

const statementSchema = z.strictObject({
  Effect: z.enum(['Allow', 'Deny']),
  Action: oneOrMore,
  Resource: oneOrMore,
});

export const policySchema = z.object({ Version: z.string(), Statement: z.array(statementSchema) });
export type Policy = z.infer<typeof policySchema>;

/** Whether a pattern means this text: its `*` is any characters, its `?` is one. MQTT's own `+` and `#` are themselves. */
function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[\\^$.|+()[\]{}]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(text);
}

/** Whether policies allow an action, `iot:Subscribe` say, on a resource's ARN. */
export function isAllowed(policies: readonly Policy[], action: string, arn: string): boolean {
  const effects = policies
    .flatMap(({ Statement }) => Statement)
    .filter(
      ({ Action, Resource }) =>
        Action.some((pattern) => matches(pattern, action)) &&
        Resource.some((pattern) => matches(pattern, arn)),
    )
    .map(({ Effect }) => Effect);
  return effects.includes('Allow') && !effects.includes('Deny');
}
