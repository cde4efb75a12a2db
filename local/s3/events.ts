/** S3's event notifications. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
import { randomBytes } from 'node:crypto';
import type { ObjectRecord } from './bucket.ts';

export type EventName =
  | 'ObjectCreated:Put'
  | 'ObjectCreated:Post'
  | 'ObjectCreated:Copy'
  | 'ObjectCreated:CompleteMultipartUpload';

/** Keys in events are form-urlencoded, except that slashes stay. */
export const encodeEventKey = (key: string): string =>
  encodeURIComponent(key)
    .replaceAll('%20', '+')
    .replaceAll('%2F', '/')
    .replace(/[!'()~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** What a queue is told of one created object. */
export type S3Event = ReturnType<typeof messageOf>;

/** An event that its queue has not taken yet. */
export interface PendingEvent {
  /** S3's sequencer of the write; names the event. */
  readonly sequencer: string;
  /** Who is told. */
  readonly queue: string;
  readonly event: S3Event;
}

interface Creation {
  readonly queue: string;
  readonly bucket: string;
  readonly record: ObjectRecord;
  readonly eventName: EventName;
  readonly sequencer: string;
  readonly region: string;
}

export const eventOf = (creation: Creation): PendingEvent => ({
  sequencer: creation.sequencer,
  queue: creation.queue,
  event: messageOf(creation),
});

function messageOf({ bucket, record, eventName, sequencer, region }: Creation) {
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: region,
        eventTime: record.lastModified,
        eventName,
        userIdentity: { principalId: 'LOCAL' },
        requestParameters: { sourceIPAddress: '127.0.0.1' },
        responseElements: {
          'x-amz-request-id': randomBytes(8).toString('hex').toUpperCase(),
          'x-amz-id-2': 'local',
        },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'spotreel',
          bucket: { name: bucket, ownerIdentity: { principalId: 'LOCAL' }, arn: `arn:aws:s3:::${bucket}` },
          object: { key: encodeEventKey(record.key), size: record.size, eTag: record.etag, sequencer },
        },
      },
    ],
  };
}
