/** Puts the parts together and lets a scenario run to its end. */
import { partsOf } from '../../video/parts.ts';
import { A } from './assumptions.ts';
import { Clock } from './clock.ts';
import { Dispatcher } from './dispatcher.ts';
import { SpotMarket } from './market.ts';
import { Meter } from './meter.ts';
import type { Step } from './requests.ts';
import type { Scenario, Upload } from './scenarios.ts';
import type { Planned } from './sources.ts';
import { PLAN, PUBLISH, TaskQueue, type Video } from './task-queue.ts';
import { Fleet, type FleetTotals } from './workers.ts';

/** Zones, idle and life time: the defaults of lib/spotreel.ts. */
export const DEFAULTS = { zones: 3, idleSeconds: 120, maxLifetimeSeconds: 24 * 3600 } as const;

/** SQS's limit of messages a batch. */
const SEND_BATCH = 10;
/** Keys of a page of a listing. */
const LIST_PAGE = 1000;

/** Moments at which the parts of an upload are counted. */
const UPLOAD_MOMENTS = 8;

/** The platform at one time. */
export interface Sample {
  readonly at: number;
  readonly vcpus: number;
  readonly machines: number;
  readonly running: number;
  readonly inFlight: number;
  readonly waiting: number;
  readonly events: number;
}

export interface Result {
  readonly scenario: Scenario;
  /** Seconds from upload to ready. */
  readonly turnarounds: readonly number[];
  readonly uploaded: number;
  readonly outputSeconds: number;
  /** Of the video whose plan task took longest. */
  readonly longestPlan: Pick<Planned, 'planSeconds' | 'bytes'>;
  readonly samples: readonly Sample[];
  readonly steps: Meter<Step>;
  readonly fleet: FleetTotals;
  readonly dispatch: Pick<Dispatcher, 'callSeconds' | 'longestCall' | 'waits' | 'largestTarget' | 'refused'>;
  /** Seconds until the last machine had ended. */
  readonly lasted: number;
}

/** Runs a scenario. Equal seeds give equal results. Throws where a video never ends, which no run may do. */
export function simulate(scenario: Scenario, seed: number): Result {
  const clock = new Clock();
  const market = new SpotMarket(seed, DEFAULTS.zones, scenario.interruptions);
  const tasks = new TaskQueue();
  const steps = new Meter<Step>();
  const turnarounds: number[] = [];
  const samples: Sample[] = [];
  let uploaded = 0;
  let outputSeconds = 0;
  let longestPlan: Result['longestPlan'] = { planSeconds: 0, bytes: 0 };
  let more = true;

  const sendTasks = (video: Video, numbers: readonly number[]) => {
    for (const number of numbers) tasks.send(video, number);
    steps.add('send', clock.now, Math.ceil(numbers.length / SEND_BATCH));
  };

  const onDone = (video: Video, task: number) => {
    const { planned } = video;
    const { now } = clock;
    const pages = Math.floor((planned.tasks.length - video.left) / LIST_PAGE);
    if (task === PLAN) {
      steps.add('plan', now);
      sendTasks(
        video,
        planned.tasks.map((_, number) => number),
      );
      dispatcher.announce(video, 'plan');
    } else if (task === PUBLISH) {
      steps.add('publish', now);
      steps.add('receipt', now, planned.tasks.length);
      steps.add('media', now, 2 * planned.rungs + 1);
      video.ended = true;
      dispatcher.learn(video);
      turnarounds.push(now - video.uploadedAt);
      outputSeconds += planned.seconds;
    } else {
      const isAudio = planned.tasks[task]?.kind === 'audio';
      steps.add(isAudio ? 'audio' : 'chunk', now);
      steps.add('media', now, isAudio ? partsOf(planned.segments) : planned.rungs);
      if (pages > 0) steps.add('page', now, pages);
      if (--video.left === 0) sendTasks(video, [PUBLISH]);
    }
  };

  const fleet = new Fleet(
    { clock, market, tasks, steps },
    { seed, quotaVcpus: scenario.raised.spotQuota ?? A.spotQuota, ...DEFAULTS },
    onDone,
    (how) => dispatcher.hear(how),
  );
  const dispatcher = new Dispatcher({ clock, tasks, fleet, steps }, scenario.maxVcpus);

  /** The parts of an upload are counted as if it began now, which changes no peak: over the time that it takes. */
  const countParts = (bytes: number) => {
    const parts = Math.ceil(bytes / A.uploadPart) + 1;
    const moments = Math.min(parts, UPLOAD_MOMENTS);
    for (let moment = 0; moment < moments; moment++) {
      const later = (moment / moments) * (bytes / A.uploadRate);
      steps.add('part', clock.now + later, parts / moments);
    }
  };

  const arrive = ({ planned }: Upload) => {
    uploaded++;
    if (planned.planSeconds > longestPlan.planSeconds) longestPlan = planned;
    countParts(planned.bytes);
    const video = {
      planned,
      uploadedAt: clock.now,
      waiting: [],
      left: planned.tasks.length,
      spent: 0,
      ended: false,
    };
    dispatcher.announce(video, 'source');
  };
  const uploads = scenario.uploads(seed)[Symbol.iterator]();
  const awaitNext = () => {
    const next = uploads.next();
    more = !next.done;
    if (next.done) return;
    clock.after(Math.max(0, next.value.at - clock.now), () => {
      arrive(next.value);
      awaitNext();
    });
  };
  awaitNext();

  const busy = () => more || turnarounds.length < uploaded || fleet.machines > 0;
  dispatcher.sweepWhile(busy);
  const sample = () => {
    const { vcpus, machines, running } = fleet;
    samples.push({
      at: clock.now,
      vcpus,
      machines,
      running,
      inFlight: running + fleet.hidden,
      waiting: tasks.count,
      events: dispatcher.backlog,
    });
    // A long poll that finds nothing lasts twenty seconds.
    steps.add('receive', clock.now, (fleet.waiting * scenario.sampleSeconds) / 20);
    if (busy()) clock.after(scenario.sampleSeconds, sample);
  };
  sample();

  let lasted = 0;
  while (clock.step()) if (busy()) lasted = clock.now;
  if (turnarounds.length !== uploaded)
    throw new Error(`${uploaded - turnarounds.length} of ${uploaded} videos never ended; the model is wrong`);
  return {
    scenario,
    turnarounds,
    uploaded,
    outputSeconds,
    longestPlan,
    samples,
    steps,
    fleet: fleet.totals,
    dispatch: dispatcher,
    lasted,
  };
}
