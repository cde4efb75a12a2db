/** `plan`: looks at a source, decides everything, and queues the work. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Encode } from '../jobs/messages.ts';
import { jobKeys } from '../jobs/names.ts';
import { nextTasks } from '../jobs/progress.ts';
import { sendTasks } from '../jobs/queue.ts';
import { readSettings } from '../jobs/requests.ts';
import { SourceError } from '../video/failures.ts';
import { decodeTestArguments, packetArguments, probeArguments } from '../video/ffmpeg-arguments.ts';
import { type Plan, planSchema, planVideo } from '../video/plan.ts';
import { ffprobeSchema, PacketReader, readSource } from '../video/probe.ts';
import { type TaskContext, withSource } from './context.ts';
import { ProcessError, run, withoutAddresses } from './process.ts';

/** Seconds that ffprobe may take for the headers. */
const PROBE_TIMEOUT = 120;
/**
 * Seconds that reading every packet of so many bytes may take: ffprobe reads them all, and one GET of S3 gives about
 * 85 MB/s (docs/scale.md). Beyond a third of that something is stuck.
 */
export const packetsTimeout = (bytes: number): number => PROBE_TIMEOUT + bytes / 25e6;

/** ffmpeg's words for a file whose index was never written, because the recording or the copy stopped. */
const INCOMPLETE = /moov atom not found|Could not find codec parameters.*unspecified size/;

/** What ffmpeg's refusal of a file means to its owner. */
function refusal(error: ProcessError, fallback: 'not-a-video' | 'undecodable'): SourceError {
  const lines = error.lines.map(withoutAddresses);
  if (lines.some((line) => INCOMPLETE.test(line))) return new SourceError('incomplete', lines.at(-1));
  return new SourceError(fallback, lines.at(-1));
}

async function orRefuse<T>(fallback: 'not-a-video' | 'undecodable', work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof ProcessError ? refusal(error, fallback) : error;
  });
}

async function probe(url: string, signal: AbortSignal) {
  let output = '';
  const read = async (stdout: Readable) => {
    output = await text(stdout);
  };
  const args = probeArguments(url);
  await orRefuse(
    'not-a-video',
    run({ program: 'ffprobe', args, timeoutSeconds: PROBE_TIMEOUT, signal, read }),
  );
  return readSource(ffprobeSchema.parse(JSON.parse(output)));
}

async function readPackets(url: string, stream: number, bytes: number, signal: AbortSignal) {
  const reader = new PacketReader();
  const read = async (stdout: Readable) => {
    for await (const line of createInterface({ input: stdout })) reader.read(line);
  };
  const args = packetArguments(url, stream);
  await orRefuse(
    'undecodable',
    run({ program: 'ffprobe', args, timeoutSeconds: packetsTimeout(bytes), signal, read }),
  );
  return reader.packets();
}

async function makePlan(context: TaskContext, { video, revision }: Encode): Promise<Plan> {
  const { settings } = await readSettings(context.uploads, video, revision);
  return withSource(context, video, async (url, claim) => {
    if (claim.size === 0) throw new SourceError('empty');
    const source = await probe(url, context.signal);
    // Headers may promise what no decoder keeps: one picture must come out.
    if (!source.video) throw new SourceError('no-video-stream');
    const { stream } = source.video;
    const args = decodeTestArguments(url, stream);
    const decode = run({ program: 'ffmpeg', args, timeoutSeconds: PROBE_TIMEOUT, signal: context.signal });
    const [packets] = await Promise.all([
      readPackets(url, stream, claim.size, context.signal),
      orRefuse('undecodable', decode),
    ]);
    // What does not fit must fail here: a plan that was written can not be read otherwise, however often.
    return planSchema.parse(planVideo(source, packets, settings, revision));
  });
}

/** Plans an encode unless it has a plan, and queues what it still misses. */
export async function planTask(context: TaskContext, { video, revision }: Encode): Promise<void> {
  const { uploads, sqs, tasksQueueUrl } = context;
  if (!(await uploads.exists(jobKeys.plan(video, revision)))) {
    const plan = await makePlan(context, { video, revision });
    await uploads.putOnceJson(jobKeys.plan(video, revision), plan);
  }
  // Of two plans the first that was written counts; what is missing is asked of the objects.
  await sendTasks(sqs, tasksQueueUrl, await nextTasks(uploads, { video, revision }));
}
