/**
 * Exactly once, by construction: the real dispatch, worker and mender run in a cloud in memory under a schedule that
 * fast-check chooses. It interleaves every call to S3 and SQS, delivers messages and events twice or never, answers
 * calls with errors before and after their effect, and ends processes between any two writes, or stalls them until
 * nothing else goes on, while others have long taken over their work. Whatever it chooses,
 * the same tree must play in the end. ffmpeg really ran once for each chunk; the runs share what it wrote.
 */
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import fc from 'fast-check';
import { serveFile } from '../../cli/file-server.ts';
import { asVideoId, jobKeys, type Revision, sourceKey, videoKeys } from '../../jobs/names.ts';
import { detailsSchema } from '../../video/details.ts';
import { encodeSettingsSchema } from '../../video/settings.ts';
import { Memory } from '../../worker-scripts/memory.ts';
import type { Run } from '../../worker-scripts/process.ts';
import { CAPACITY_SETTINGS, running } from '../support/fleet.ts';
import { SILENT, silentAnnouncer } from '../support/live.ts';
import { ffmpeg } from '../support/media.ts';
import { type Message, type Process, World } from './world.ts';

const real = await import('../../worker-scripts/process.ts');
/** What ffmpeg wrote, by what it was asked for. */
const written = new Map<string, { files: Buffer[]; output: Buffer; cpuSeconds: number }>();

/** ffmpeg's arguments but for what differs from run to run: the scratch folder. */
const isScratch = (arg: string) => arg.startsWith(tmpdir());
/** Files that ffmpeg writes; of a numbered row of pictures this video has one. */
const outputsOf = (args: readonly string[]) =>
  args
    .filter((arg, index) => isScratch(arg) && args[index - 1] !== '-i')
    .map((arg) => arg.replace('%d', '0'));

async function runOnce({ program, args, timeoutSeconds, read }: Run) {
  const outputs = outputsOf(args);
  const name = JSON.stringify([program, args.filter((arg) => !isScratch(arg))]);
  let known = written.get(name);
  if (!known) {
    let output = Buffer.of();
    const { cpuSeconds } = await real.run({
      program,
      args,
      timeoutSeconds,
      signal: new AbortController().signal,
      read: async (stdout) => {
        output = await buffer(stdout);
      },
    });
    known = { files: await Promise.all(outputs.map((file) => readFile(file))), output, cpuSeconds };
    written.set(name, known);
  }
  await Promise.all(outputs.map((file, index) => writeFile(file, known.files[index] ?? '')));
  await read?.(Readable.from([known.output]));
  return { cpuSeconds: known.cpuSeconds };
}
jest.unstable_mockModule('../../worker-scripts/process.ts', () => ({ ...real, run: runOnce }));

const { dispatchMessages } = await import('../../jobs/dispatch.ts');
const { Capacity } = await import('../../jobs/ensure-capacity.ts');
const { reencode } = await import('../../jobs/redrive.ts');
const { ObjectStore } = await import('../../jobs/store.ts');
const { mendUnfinished } = await import('../../jobs/mend.ts');
const { videoStatus } = await import('../../jobs/status.ts');
const { TaskLoop } = await import('../../worker-scripts/task-loop.ts');

const video = asVideoId('0123456789abcdefghjk');
const small = {
  segmentSeconds: 2,
  chunkSeconds: 6,
  rungs: [{ height: 120, crf: 30, maxKbps: 300 }],
  download: 'highest',
};
const settings = encodeSettingsSchema.parse(small);
const otherSettings = encodeSettingsSchema.parse({ ...small, preset: 'superfast' });
const TASKS_URL = 'http://127.0.0.1/tasks';
const UPLOADS_URL = 'http://127.0.0.1/uploads';
/** A message that was received so often goes to the dead letters when it is lost once more. */
const LAST_RECEIVE = 3;

/** Log lines are of no use here, and a mock would keep them all. */
const write = process.stdout.write.bind(process.stdout);
let source: Awaited<ReturnType<typeof serveFile>>;
const file = join(tmpdir(), `spotreel-model-${process.pid}.mp4`);

beforeAll(async () => {
  const picture = 'testsrc2=size=160x120:rate=25:duration=14';
  await ffmpeg('-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', 'sine=duration=14', '-shortest', file);
  source = await serveFile(file);
  process.stdout.write = () => true;
  // A worker that was ended here would beat on: its heart is the one timer in it.
  jest.spyOn(globalThis, 'setInterval').mockReturnValue(0 as unknown as NodeJS.Timeout);
});
afterAll(async () => {
  jest.restoreAllMocks();
  process.stdout.write = write;
  source.close();
  await rm(file, { force: true });
});

const storesOf = (s3: Process['s3']) => ({
  uploads: new ObjectStore(s3, 'uploads'),
  production: new ObjectStore(s3, 'production'),
});

const ec2 = new EC2Client({ region: 'us-east-1' });
mockClient(ec2).on(DescribeInstancesCommand).resolves(running('c7i.xlarge'));

/** Dispatch, as Lambda calls it: one message, deleted where it was handled. */
function startDispatch(world: World, message: Message): void {
  world.start('dispatch', async (own) => {
    message.holder = own;
    message.receives++;
    const { uploads } = storesOf(own.s3);
    const dispatcher = {
      uploads,
      sqs: own.sqs,
      tasksQueueUrl: TASKS_URL,
      // Its one machine runs; launching is not what is tried here.
      capacity: new Capacity(ec2, uploads, { ...CAPACITY_SETTINGS, maxVcpus: 4 }),
      settings,
      announcer: silentAnnouncer,
    };
    const { id: messageId, receives: receiveCount, body } = message;
    const failed = await dispatchMessages(dispatcher, [{ messageId, receiveCount, body }]);
    if (failed.length === 0) world.messages.delete(message);
  });
}

/** A worker, until it finds the queue empty. */
function startWorker(world: World): void {
  world.start('worker', async (own) => {
    const context = {
      ...storesOf(own.s3),
      sqs: own.sqs,
      uploadsQueueUrl: UPLOADS_URL,
      tasksQueueUrl: TASKS_URL,
      // Of the proxy a task only ever opens its source.
      proxy: { open: () => ({ url: source.url, error: () => undefined, close: () => {} }) } as never,
      scratchDir: tmpdir(),
      memory: new Memory(totalmem()),
      worker: 'i-1',
      price: { usdPerVcpuHour: 0.02, from: 'spot' as const },
      ...SILENT,
    };
    await new TaskLoop(context, { slots: 2, idleSeconds: 0.0001 }).run().catch(() => {}); // its queue answered with an error
  });
}

/** A failure is made smaller for a while only: each try of a schedule takes a tenth of a second. */
const RUNS = { numRuns: 40, interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false };

/** The mender has to help once where something was lost, and never against what it did itself. */
const MAX_SWEEPS = 5;

/** One choice of the schedule: which of what can happen, and how. */
interface Choice {
  readonly pick: number;
  readonly how: 'well' | 'kill' | 'stall' | 'error' | 'error-after' | 'twice' | 'never';
}

const choices = fc.array(
  fc.record({
    pick: fc.nat(50),
    how: fc.oneof(
      { weight: 40, arbitrary: fc.constant('well' as const) },
      { weight: 2, arbitrary: fc.constant('kill' as const) },
      { weight: 1, arbitrary: fc.constant('stall' as const) },
      { weight: 1, arbitrary: fc.constant('error' as const) },
      { weight: 1, arbitrary: fc.constant('error-after' as const) },
      { weight: 1, arbitrary: fc.constant('twice' as const) },
      { weight: 1, arbitrary: fc.constant('never' as const) },
    ),
  }),
  { minLength: 50, maxLength: 1500, size: 'max' },
);

/** Until every process waits for the schedule, or has ended. */
async function settled(world: World): Promise<void> {
  for (let quiet = 0; quiet < 2; ) {
    await turn();
    quiet = [...world.processes].every(({ waiting }) => waiting.length > 0) ? quiet + 1 : 0;
  }
}

/**
 * Whether a process may be ended: no message that it holds would be lost for the third time. A person whose request
 * was not answered asks again, so that errors suffice for that case.
 */
const mayLose = (world: World, own: Process) =>
  own.name !== 'person' &&
  world.held(own).every(({ queue, receives }) => queue === 'uploads' || receives < LAST_RECEIVE);

/** Lets one thing happen. */
function step(world: World, { pick, how }: Choice, faults: boolean): void {
  const startable = world.visible('uploads').slice(0, 3);
  const workers = [...world.processes].filter(({ name }) => name === 'worker').length;
  const awake = [...world.processes].filter((own) => !own.stalled);
  const calls = awake.flatMap((own) => own.waiting.map((call) => ({ own, call })));
  const acts: Array<() => void> = [
    ...calls.map(({ own, call }) => () => {
      const hurt = faults && (own.name === 'person' || mayLose(world, own));
      if (faults && how === 'kill' && mayLose(world, own)) return world.kill(own);
      if (faults && how === 'stall' && mayLose(world, own)) return world.stall(own);
      own.waiting.splice(own.waiting.indexOf(call), 1);
      if (hurt && ((how === 'error' && call.effect) || (how === 'error-after' && !call.effect)))
        return call.fail(new Error('503 Slow Down'));
      call.go();
    }),
    ...startable.map((message) => () => {
      if (faults && how === 'never' && isUnsent(message)) return void world.messages.delete(message);
      if (faults && how === 'twice') world.send('uploads', message.body);
      startDispatch(world, message);
    }),
    ...(workers < 2 && world.visible('tasks').length > 0
      ? [
          () => {
            const [first] = world.visible('tasks');
            if (faults && how === 'twice' && first) world.send('tasks', first.body);
            startWorker(world);
          },
        ]
      : []),
  ];
  if (acts.length === 0) world.wake();
  else acts[pick % acts.length]?.();
}

/** S3 may never send an event; what was received once is SQS's, which loses nothing. */
const isUnsent = ({ body, receives }: Message) => body.includes('Records') && receives === 0;

interface Outcome {
  /** SHA-256 of the published revision's objects in the production bucket, and of what lies above them. */
  readonly tree: ReadonlyMap<string, string>;
  readonly state: string | undefined;
  readonly failure: string | undefined;
  /** How often the mender had to be asked. */
  readonly mendings: number;
}

/** Runs that go on: one that fast-check no longer waits for, its time being over, must end before the next begins. */
const unfinished = new Set<Promise<Outcome>>();
afterEach(() => Promise.allSettled(unfinished), 60_000);

function play(schedule: readonly Choice[], reencodeAfter?: number): Promise<Outcome> {
  const run = playOut(schedule, reencodeAfter);
  unfinished.add(run);
  const forget = () => unfinished.delete(run);
  run.then(forget, forget);
  return run;
}

/** Uploads, lets everything happen as chosen and then well, mendings as often as the clock would; says what plays. */
async function playOut(schedule: readonly Choice[], reencodeAfter?: number): Promise<Outcome> {
  const world = new World();
  const stores = storesOf(world.s3);
  await stores.uploads.put(sourceKey(video), 'movie', { contentType: 'video/mp4' });
  let asked = reencodeAfter === undefined;
  const ask = () => {
    asked = true;
    world.start('person', async (own) => {
      const redriver = { stores: storesOf(own.s3), sqs: own.sqs, uploadsQueueUrl: UPLOADS_URL, settings };
      // A person whose request fails asks again.
      while (!own.ended && !(await reencode(redriver, video, otherSettings).catch(() => false))) await turn();
    });
  };

  let mendings = 0;
  for (let count = 0; mendings <= MAX_SWEEPS; count++) {
    await settled(world);
    const quiet = world.processes.size === 0 && world.messages.size === 0;
    const claimed = world.objects.has(`uploads/${jobKeys.claim(video)}`);
    if (!asked && claimed && (quiet || count >= (reencodeAfter ?? 0))) ask();
    else if (!quiet) step(world, schedule[count] ?? { pick: 0, how: 'well' }, count < schedule.length);
    else if (asked && (await isEnded(stores))) break;
    else {
      mendings++;
      await mend(world);
    }
  }
  const status = await videoStatus(stores, video);
  const revision = (status?.revision ?? '') as Revision; // the status names one that is
  const own = [videoKeys.media(video, revision, ''), videoKeys.details(video), videoKeys.master(video)];
  const tree = [...world.objects]
    .filter(([name]) => own.some((prefix) => name.startsWith(`production/${prefix}`)))
    .map(([name, text]): [string, string] => [name, createHash('sha256').update(text).digest('hex')])
    .sort(([one], [other]) => (one < other ? -1 : 1));
  world.close();
  return { tree: new Map(tree), state: status?.state, failure: status?.failure?.message, mendings };
}

async function isEnded(stores: ReturnType<typeof storesOf>): Promise<boolean> {
  const status = await videoStatus(stores, video);
  if (!status || status.state === 'queued' || status.state === 'encoding' || status.next) return false;
  // A video that plays has its download a little later.
  const details = await stores.production.getJson(videoKeys.details(video), detailsSchema);
  return status.state === 'failed' || details?.download !== undefined;
}

/** The mender, 20 minutes later. */
async function mend(world: World): Promise<void> {
  await new Promise<void>((done, fail) => {
    const own = world.start('mender', (process) =>
      mendUnfinished({
        announcer: silentAnnouncer,
        held: false,
        stores: storesOf(process.s3),
        sqs: process.sqs,
        uploadsQueueUrl: UPLOADS_URL,
        tasksQueueUrl: TASKS_URL,
        now: new Date(Date.now() + 20 * 60_000),
      }),
    );
    own.done.then(() => done(), fail);
    void (async () => {
      while (!own.ended) {
        await turn();
        for (const call of own.waiting.splice(0)) call.go();
      }
    })();
  });
}

/** What of an outcome must be the same whatever happened. */
const end = ({ tree, state, failure }: Outcome) => ({ tree, state, failure });

test('whatever is lost, repeated, reordered, stalled or killed, the same tree plays', async () => {
  const undisturbed = await play([]);
  expect(undisturbed.state).toBe('ready');
  expect(undisturbed.tree.size).toBeGreaterThan(6);
  await fc.assert(
    fc.asyncProperty(choices, async (schedule) => {
      expect(end(await play(schedule))).toEqual(end(undisturbed));
    }),
    RUNS,
  );
});

test('unless an event is lost, nobody needs the mender for that', async () => {
  const undisturbed = await play([]);
  expect(undisturbed.mendings).toBe(0);
  await fc.assert(
    fc.asyncProperty(choices, async (schedule) => {
      const all = schedule.map((choice) =>
        choice.how === 'never' ? { ...choice, how: 'kill' as const } : choice,
      );
      expect(await play(all)).toEqual(undisturbed);
    }),
    RUNS,
  );
});

test('a re-encode at any moment, whatever else happens, ends with its own tree', async () => {
  const undisturbed = await play([], 10_000);
  expect(undisturbed.state).toBe('ready');
  await fc.assert(
    fc.asyncProperty(choices, fc.nat(600), async (schedule, moment) => {
      expect(end(await play(schedule, moment))).toEqual(end(undisturbed));
    }),
    RUNS,
  );
});
