/** Names of what an account has once for all its regions: the same deployment in a second region needs others. */
import { Aws, Names } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Characters besides the region, of which CloudFront's shortest names have room. */
const MAX_LENGTH = 40;

/**
 * A name that no other region has.
 * @param part tells names of one construct apart
 */
export const accountName = (construct: IConstruct, part = ''): string => {
  const own = Names.uniqueResourceName(construct, { maxLength: MAX_LENGTH - part.length, separator: '-' });
  return `${Aws.REGION}-${part}${own}`;
};
