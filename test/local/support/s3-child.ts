/**
 * S3 in a process of its own, so that a test can kill it: `node s3-child.ts DIRECTORY deliver|refuse`; prints its
 * URL, then each event that it delivered, a line each.
 */
import { UPLOAD_CORS } from '../../../jobs/platform.ts';
import { startS3 } from '../../../local/s3/server.ts';

const [dataDir, queue] = process.argv.slice(2);
if (!dataDir) throw new Error('usage: node s3-child.ts DIRECTORY deliver|refuse');
console.error = () => {}; // refused events are said there again and again
const s3 = await startS3({
  dataDir,
  port: 0,
  region: 'us-east-1',
  incompleteUploadDays: 1,
  credentials: () => ({ secretAccessKey: 'a-secret' }),
  buckets: [{ name: 'videos', cors: UPLOAD_CORS, notifications: [{ queue: 'uploads', prefix: '' }] }],
  async notify(_, event) {
    if (queue === 'refuse') throw new Error('the queue is not there');
    console.log(event);
  },
});
console.log(s3.url);
