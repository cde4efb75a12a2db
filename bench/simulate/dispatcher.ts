/** The uploads queue and its Lambda: batches, calls at once, and the sweep; when EC2 is asked for machines. */
import { calibrated, UNCALIBRATED } from '../../jobs/calibration.ts';
import type { Work } from '../../jobs/capacity.ts';
import { DISPATCH_BATCH, MACHINE_EVENTS, QUEUES, SWEEP_MINUTES } from '../../jobs/platform.ts';
import { A } from './assumptions.ts';
import type { Clock } from './clock.ts';
import { Fifo } from './fifo.ts';
import type { Steps } from './requests.ts';
import { PLAN, type TaskQueue, type Video } from './task-queue.ts';
import { ARCHITECTURES, requestFor } from './work.ts';
import type { Fleet, Leaving } from './workers.ts';

interface Message {
  readonly video: Video;
  readonly about: 'source' | 'plan';
  readonly sentAt: number;
}

/** Requests of a call to S3 and SQS that wait for each other, besides sending: claim, request or plan, backlog. */
const REQUESTS_IN_TURN = 3;
/** What a machine of ours goes through at its end, of what the sweep hears (jobs/platform.ts). */
const END_STATES = MACHINE_EVENTS.flatMap(({ states = [] }) => states).filter((state) => state !== 'stopped');
/** Tasks that are sent at once (jobs/queue.ts). */
const SEND_BATCH = 10;
/** The sweep knows of no plan. */
const NO_WORK: Work = { tasks: 0, seconds: 0 };

export class Dispatcher {
  /** Calls that run. */
  calls = 0;
  /** Seconds of all calls together, and of the longest. */
  callSeconds = 0;
  longestCall = 0;
  /** Seconds from a message's arrival to the end of its handling; refused ones begin anew. */
  readonly waits: number[] = [];
  largestTarget = 0;
  refused = 0;

  readonly #clock: Clock;
  readonly #tasks: TaskQueue;
  readonly #fleet: Fleet;
  readonly #steps: Steps;
  readonly #maxVcpus: number;
  readonly #queue = new Fifo<Message>();
  #filling = false;
  #calibration = UNCALIBRATED;

  constructor(parts: { clock: Clock; tasks: TaskQueue; fleet: Fleet; steps: Steps }, maxVcpus: number) {
    this.#clock = parts.clock;
    this.#tasks = parts.tasks;
    this.#fleet = parts.fleet;
    this.#steps = parts.steps;
    this.#maxVcpus = maxVcpus;
  }

  /** Messages that wait for a call. */
  get backlog(): number {
    return this.#queue.length;
  }

  /** S3 tells of an object. */
  announce(video: Video, about: Message['about']): void {
    this.#clock.after(A.eventDelay, () => {
      this.#queue.push({ video, about, sentAt: this.#clock.now });
      this.#poll();
    });
  }

  /** Runs the sweep on its schedule while `wanted` says so. */
  sweepWhile(wanted: () => boolean): void {
    this.#clock.after(SWEEP_MINUTES * 60, () => {
      if (!wanted()) return;
      this.#sweep(true);
      this.sweepWhile(wanted);
    });
  }

  /** EC2 tells that a machine leaves: the sweep looks whether it is missed, and asks whose it was. */
  hear(how: Leaving): void {
    for (const state of how === 'ended' ? END_STATES : [how])
      this.#clock.after(A.eventDelay + (state === 'terminated' ? A.terminating : 0), () => {
        // lambda/sweep.ts: hundreds of idle machines end within seconds, and are not asked about.
        const isMissed = how === 'interrupted' || this.#tasks.count > 0;
        if (isMissed) this.#steps.add('describe', this.#clock.now);
        this.#sweep(isMissed);
      });
  }

  #sweep(isMissed: boolean): void {
    this.#steps.add('sweep', this.#clock.now);
    if (isMissed && this.#messages > 0) this.#ensure(NO_WORK, this.#messages);
  }

  /** A published video tells what it cost. */
  learn({ planned, spent }: Video): void {
    const { tasks, work: plannedSeconds } = planned;
    this.#calibration = calibrated(this.#calibration, {
      tasks: tasks.length,
      plannedSeconds,
      spentSeconds: spent,
    });
  }

  /** All that the tasks queue counts. */
  get #messages(): number {
    return this.#tasks.count + this.#fleet.running + this.#fleet.hidden;
  }

  /** Lambda waits for a batch to fill, then calls, as often at once as it may. */
  #poll(): void {
    if (this.calls >= DISPATCH_BATCH.maximumConcurrency || this.#queue.length === 0 || this.#filling) return;
    this.#filling = true;
    const seconds = this.#queue.length >= DISPATCH_BATCH.size ? 0 : DISPATCH_BATCH.windowSeconds;
    this.#clock.after(seconds, () => {
      this.#filling = false;
      this.calls++;
      const batch: Message[] = [];
      while (batch.length < DISPATCH_BATCH.size) {
        const message = this.#queue.shift();
        if (!message) break;
        batch.push(message);
      }
      this.#handle(batch);
      this.#poll();
    });
  }

  /** Does what `dispatchMessages` does with a batch: EC2 is asked once for all that its messages want. */
  #handle(batch: readonly Message[]): void {
    const { now } = this.#clock;
    const plans = batch.filter(({ about }) => about === 'plan').map(({ video }) => video.planned);
    const sources = batch.filter(({ about }) => about === 'source');
    this.#steps.add('call', now);
    this.#steps.add('source', now, sources.length);
    this.#steps.add('planned', now, plans.length);
    const planned = {
      tasks: plans.reduce((total, { tasks }) => total + tasks.length, 0),
      seconds: plans.reduce((total, { work }) => total + work, 0),
    };
    const { seconds, machines } =
      planned.tasks > 0 ? this.#ensure(planned, this.#messages) : this.#ensure({ tasks: 1, seconds: 0 }, 0);
    const inTurn = REQUESTS_IN_TURN + Math.ceil(sources.length / SEND_BATCH);
    const duration = seconds + inTurn * A.storeSeconds;
    this.callSeconds += duration;
    this.longestCall = Math.max(this.longestCall, duration);
    this.#clock.after(duration, () => {
      this.calls--;
      for (const message of batch) this.#end(message, machines);
      this.#poll();
    });
  }

  /** A message is done, or comes back because no machine could be had. */
  #end(message: Message, machines: boolean): void {
    const { video, about, sentAt } = message;
    if (!machines) {
      this.refused++;
      this.#clock.after(QUEUES.uploads.visibilityTimeoutSeconds, () => {
        this.#queue.push(message);
        this.#poll();
      });
      return;
    }
    this.waits.push(this.#clock.now - sentAt);
    if (about === 'source') {
      this.#tasks.send(video, PLAN);
      this.#fleet.wake();
    }
  }

  /**
   * `Capacity.ensure`: asks the architectures in turn for what is missing; says what it took and whether any machine
   * runs at all. Others' launches count at once, as `capacity/launches.json` has it.
   */
  #ensure(planned: Work, messages: number): { seconds: number; machines: boolean } {
    const pages = Math.max(1, Math.ceil(this.#fleet.machines / A.describePage));
    this.#steps.add('describe', this.#clock.now, pages);
    let seconds = pages * A.describeSeconds;
    const [calibration, maxVcpus] = [this.#calibration, this.#maxVcpus];
    for (const architecture of ARCHITECTURES) {
      const runningVcpus = this.#fleet.vcpus;
      const request = requestFor(architecture, { planned, messages, calibration, runningVcpus, maxVcpus });
      if (!request) break;
      this.#steps.add('fleet', this.#clock.now);
      seconds += A.fleetSeconds;
      this.largestTarget = Math.max(this.largestTarget, request.targetVcpus);
      if (this.#fleet.launch(architecture, request) >= request.targetVcpus) break;
    }
    return { seconds, machines: this.#fleet.vcpus > 0 };
  }
}
