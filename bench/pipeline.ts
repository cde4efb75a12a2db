/** One file through the whole platform, from its start to the last playlist, and everything that this tells. */
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { startLocalPlatform } from '../local/platform.ts';
import { CLI } from '../test/support/cli.ts';
import { type Cost, timed } from './cost.ts';
import { memoryOfScripts, peaksWhile } from './memory.ts';
import { totalOf } from './receipts.ts';
import { readTimeline, type Timeline } from './worker-logs.ts';

const SCRIPTS = ['cli/spotreel.ts', 'worker-scripts/worker.ts'] as const;

export interface Pipeline extends Timeline {
  /** Of every process. */
  readonly cost: Cost;
  /** CPU seconds of the tasks' ffmpeg. */
  readonly ffmpegCpu: number;
  /** The most MB of the process that has all services, and of the worker without its ffmpeg. */
  readonly platformMemory: number;
  readonly workerMemory: number;
}

/** @param folder gets a data folder */
export async function throughPipeline(file: string, folder: string): Promise<Pipeline> {
  const dataDir = await mkdtemp(join(folder, 'data-'));
  const args = [CLI, 'local', '--once', '--json', '--port', '0', '--data', dataDir, file];
  let line = '';
  let cost: Cost = { cpu: Number.NaN, wall: Number.NaN };
  const look = () => memoryOfScripts(process.pid, SCRIPTS);
  const [platformMemory, workerMemory] = await peaksWhile(look, async () => {
    cost = await timed(process.execPath, args, (text) => {
      line = text;
    });
  });
  if (!line.includes('"state":"ready"')) throw new Error(`The pipeline did not get ready: ${line}`);
  const ffmpegCpu = await ffmpegCpuOf(dataDir);
  return { ...(await readTimeline(dataDir)), cost, ffmpegCpu, platformMemory, workerMemory };
}

/** Reads the receipts that a platform left. */
async function ffmpegCpuOf(dataDir: string): Promise<number> {
  const platform = await startLocalPlatform({ port: 0, dataDir, workers: 1 });
  try {
    return (await totalOf(platform.stores)).cpu;
  } finally {
    await platform.close();
  }
}
