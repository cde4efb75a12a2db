/** `plan`: looks at a source, decides everything, and queues the work. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { jobKeys, revisionOf, type VideoId } from '../jobs/names.ts';
import { missingTasks, readPlan } from '../jobs/progress.ts';
import { sendTasks } from '../jobs/queue.ts';
import { SourceError } from '../video/failures.ts';
import { decodeTestArguments, packetArguments, probeArguments } from '../video/ffmpeg-arguments.ts';
import { type Plan, planVideo } from '../video/plan.ts';
import { ffprobeSchema, PacketReader, readSource } from '../video/probe.ts';
import { RECIPE_VERSION } from '../video/settings.ts';
import { type TaskContext, withSource } from './context.ts';
import { ProcessError, run, withoutAddresses } from './process.ts';

/** Seconds that ffprobe may take for the headers. */
const PROBE_TIMEOUT = 120;
/** Seconds that reading every packet may take: 50 GB at 50 MB/s. */
const PACKETS_TIMEOUT = 1000;

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

async function readPackets(url: string, stream: number, signal: AbortSignal) {
  const reader = new PacketReader();
  const read = async (stdout: Readable) => {
    for await (const line of createInterface({ input: stdout })) reader.read(line);
  };
  const args = packetArguments(url, stream);
  await orRefuse(
    'undecodable',
    run({ program: 'ffprobe', args, timeoutSeconds: PACKETS_TIMEOUT, signal, read }),
  );
  return reader.packets();
}

async function makePlan(context: TaskContext, video: VideoId): Promise<Plan> {
  return withSource(context, video, async (url, claim) => {
    if (claim.size === 0) throw new SourceError('empty');
    const source = await probe(url, context.signal);
    // Headers may promise what no decoder keeps: one picture must come out.
    const args = decodeTestArguments(url, source.video.stream);
    const decode = run({ program: 'ffmpeg', args, timeoutSeconds: PROBE_TIMEOUT, signal: context.signal });
    const [packets] = await Promise.all([
      readPackets(url, source.video.stream, context.signal),
      orRefuse('undecodable', decode),
    ]);
    const revision = revisionOf(claim, { recipe: RECIPE_VERSION, settings: context.settings });
    return planVideo(source, packets, context.settings, revision);
  });
}

/** Plans a video unless it has a plan, and queues what the plan still misses. */
export async function planTask(context: TaskContext, task: { video: VideoId }): Promise<void> {
  const { uploads, sqs, tasksQueueUrl } = context;
  if (!(await readPlan(uploads, task.video))) {
    await uploads.putOnceJson(jobKeys.plan(task.video), await makePlan(context, task.video));
  }
  // The plan that was written first is the one that counts, so it is read back.
  const plan = await readPlan(uploads, task.video);
  if (!plan) throw new Error(`The plan of ${task.video} was written but is not there`);
  const missing = await missingTasks(uploads, task.video, plan);
  await sendTasks(
    sqs,
    tasksQueueUrl,
    missing.length > 0 ? missing : [{ kind: 'publish', video: task.video }],
  );
}
