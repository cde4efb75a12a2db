/** What a mocked GetObject answers. */
import { type GetObjectCommandOutput, S3ServiceException } from '@aws-sdk/client-s3';

/** An object that holds this text, or this value as JSON. */
export function jsonObject(value: unknown): Pick<GetObjectCommandOutput, 'Body'> {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // Of the whole body our store only ever calls this one method.
  return {
    Body: { transformToString: async () => text } as unknown as NonNullable<GetObjectCommandOutput['Body']>,
  };
}

/** The error of S3 with this status and code. */
export function s3Error(httpStatusCode: number, name: string): S3ServiceException {
  return new S3ServiceException({ name, $fault: 'client', $metadata: { httpStatusCode } });
}
