/** A local file as the pipeline's planner sees it, and as ffmpeg reads it in a worker. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { serveFile } from '../test/support/file-server.ts';
import { packetArguments, probeArguments } from '../video/ffmpeg-arguments.ts';
import { type Plan, planVideo } from '../video/plan.ts';
import { ffprobeSchema, PacketReader, readSource } from '../video/probe.ts';
import type { EncodeSettings } from '../video/settings.ts';

const exec = promisify(execFile);
/** Bytes of ffprobe's list of packets: a few dozen a packet. */
const LIST_LIMIT = 2 ** 28;

/** Serves one file by byte range on loopback while `use` runs, as the worker's proxy does. */
export async function withServedFile<T>(file: string, use: (url: string) => Promise<T>): Promise<T> {
  const { url, close } = await serveFile(file);
  try {
    return await use(url);
  } finally {
    close();
  }
}

/** The plan that the worker would make of a served file. */
export async function planOf(url: string, settings: EncodeSettings): Promise<Plan> {
  const { stdout } = await exec('ffprobe', probeArguments(url));
  const source = readSource(ffprobeSchema.parse(JSON.parse(stdout)));
  if (!source.video) throw new Error(`${url} has no picture`);
  const reader = new PacketReader();
  const listing = packetArguments(url, source.video.stream);
  const packets = await exec('ffprobe', listing, { maxBuffer: LIST_LIMIT });
  for (const line of packets.stdout.split('\n')) reader.read(line);
  return planVideo(source, reader.packets(), settings, 'bench');
}
