/** SQS in a process of its own, so that a test can kill it: `node sqs-child.ts DIRECTORY`; prints its URL. */
import { startSqs } from '../../../local/sqs/sqs.ts';

const [dataDir] = process.argv.slice(2);
if (!dataDir) throw new Error('usage: node sqs-child.ts DIRECTORY');
const settings = {
  visibilityTimeoutSeconds: 60,
  maxReceiveCount: 3,
  retentionSeconds: 3600,
  receiveWaitSeconds: 0,
};
const sqs = await startSqs({
  dataDir,
  port: 0,
  region: 'eu-test-1',
  queues: [
    { name: 'work', settings, deadLetterQueue: 'dead' },
    { name: 'dead', settings },
  ],
});
console.log(sqs.url);
