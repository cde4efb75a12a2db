/** What of a deployment must outlast every upgrade: losing it loses videos, messages, links or keys. */
import type { DeployedStack } from './deployment.ts';
import { spell } from './template.ts';

/**
 * Types that hold something, or whose name others keep, and their properties whose change makes CloudFormation replace the
 * resource ("Update requires: Replacement").
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
 */
const LASTING_TYPES: Readonly<Record<string, readonly string[]>> = {
  'AWS::CloudFront::Distribution': [], // its domain is in every link
  'AWS::CloudFront::KeyValueStore': ['Name'], // keys of private playback
  'AWS::S3::Bucket': ['BucketName', 'BucketNamePrefix', 'BucketNamespace'],
  'AWS::SQS::Queue': ['FifoQueue', 'QueueName'],
};

/** Names that are in nobody's template: what was written under them at run time is found by them again. */
const LASTING_OUTPUTS = ['ApiParameters'];

export interface Lasting {
  readonly type: string;
  readonly deletion: string;
  /** The replacing properties that are set. */
  readonly properties: Readonly<Record<string, unknown>>;
}

/** What becomes of a resource that was made: both retain it. */
const keptOf = (policy: string): string => (policy === 'RetainExceptOnCreate' ? 'Retain' : policy);

/** By stack and logical id, and by stack and output. */
export function lastingOf(stacks: readonly DeployedStack[]): Record<string, Lasting | string> {
  const resources = stacks.flatMap(({ name, Resources }) =>
    Object.entries(Resources).flatMap(([id, { Type, Properties, DeletionPolicy = 'Delete' }]) => {
      const replacing = LASTING_TYPES[Type];
      if (!replacing) return [];
      const set = replacing.filter((key) => key in Properties).map((key) => [key, spell(Properties[key])]);
      return [
        [
          `${name}/${id}`,
          { type: Type, deletion: keptOf(DeletionPolicy), properties: Object.fromEntries(set) },
        ] as const,
      ];
    }),
  );
  const outputs = stacks.flatMap(({ name, Outputs }) =>
    LASTING_OUTPUTS.flatMap((output) =>
      Outputs[output] ? [[`${name}/${output}`, JSON.stringify(spell(Outputs[output].Value))] as const] : [],
    ),
  );
  return Object.fromEntries([...resources, ...outputs]);
}
