/** The broker with the real authorizer's Lambda, and the secret that it reads. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane';
import { SSMClient } from '@aws-sdk/client-ssm';
import { Tokens } from '../../../jobs/tokens.ts';
import { startIot } from '../../../local/iot/iot.ts';
import { startSsm } from '../../../local/ssm/ssm.ts';

const REGION = 'eu-test-1';
const PARAMETERS = '/spotreel/test';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

export const LIVE_TOPICS = 'spotreel/test';

/** Starts both. `restart` ends the broker and all that it keeps, and starts it anew at the same address. */
export async function startLive() {
  const dataDir = await mkdtemp(join(tmpdir(), 'spotreel-live-'));
  const ssm = await startSsm({ dataDir, port: 0, region: REGION });
  const start = (port: number) =>
    startIot({
      port,
      region: REGION,
      authorizer: {
        entry: fileURLToPath(new URL('../../../lambda/authorize-live.ts', import.meta.url)),
        env: {
          AWS_REGION: REGION,
          AWS_ACCESS_KEY_ID: credentials.accessKeyId,
          AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
          AWS_ENDPOINT_URL_SSM: ssm.url,
          PLATFORM: 'test',
          PARAMETERS,
          LIVE_TOPICS,
        },
        timeoutSeconds: 30,
        logFile: join(dataDir, 'authorize-live.log'),
      },
    });
  let iot = await start(0);
  const { url, mqttUrl } = iot;
  const tokens = new Tokens(new SSMClient({ region: REGION, endpoint: ssm.url, credentials }), PARAMETERS);
  return {
    mqttUrl,
    secret: await tokens.secret(),
    tokens,
    /** The data plane, as publishers use it. */
    iot: new IoTDataPlaneClient({ region: REGION, endpoint: url, credentials }),
    async restart() {
      await iot.close();
      iot = await start(Number(new URL(url).port));
    },
    async close() {
      await iot.close();
      await ssm.close();
      await rm(dataDir, { recursive: true });
    },
  };
}
