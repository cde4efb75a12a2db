/** A scheduled function that never ends, in a process of its own, so that a test can kill it: `node lambda-host.ts LOG_FILE`. */
import { fileURLToPath } from 'node:url';
import { startEventBridge } from '../../../local/lambda/event-bridge.ts';

const [logFile] = process.argv.slice(2);
if (!logFile) throw new Error('usage: node lambda-host.ts LOG_FILE');
await startEventBridge({
  entry: fileURLToPath(new URL('lambda-handler.ts', import.meta.url)),
  env: { HANG: 'yes' },
  region: 'eu-test-1',
  timeoutSeconds: 30,
  everySeconds: 3600,
  machineEvents: [],
  logFile,
});
