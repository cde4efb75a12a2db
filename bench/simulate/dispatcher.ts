/** The uploads queue and its Lambda: batches, calls at once, and the sweep; when EC2 is asked for machines. */
import { DISPATCH_BATCH, QUEUES, SWEEP_MINUTES } from '../../jobs/platform.ts';
import { A } from './assumptions.ts';
import type { Clock } from './clock.ts';
import { Fifo } from './fifo.ts';
import type { Steps } from './requests.ts';
import { PLAN, type TaskQueue, type Video } from './task-queue.ts';
import { requestFor } from './work.ts';
import type { Fleet } from './workers.ts';

interface Message {
  readonly video: Video;
  readonly about: 'source' | 'plan';
  readonly sentAt: number;
}

/** What one call knows of the machines: EC2 is asked once, and what the call launches is added. */
interface Call {
  readonly startedAt: number;
  knownVcpus: number | undefined;
}

export interface DispatchSettings {
  readonly maxVcpus: number;
  readonly typeVcpus: readonly number[];
}

export class Dispatcher {
  /** Calls that run, and the most that ever did. */
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
  readonly #settings: DispatchSettings;
  readonly #queue = new Fifo<Message>();

  constructor(
    parts: { clock: Clock; tasks: TaskQueue; fleet: Fleet; steps: Steps },
    settings: DispatchSettings,
  ) {
    this.#clock = parts.clock;
    this.#tasks = parts.tasks;
    this.#fleet = parts.fleet;
    this.#steps = parts.steps;
    this.#settings = settings;
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
      this.#steps.add('sweep', this.#clock.now);
      const call: Call = { startedAt: this.#clock.now, knownVcpus: undefined };
      if (this.#backlog.tasks > 0) this.#ensure(call, this.#backlog);
      this.sweepWhile(wanted);
    });
  }

  get #backlog(): { tasks: number; workSeconds: number } {
    return {
      tasks: this.#tasks.count + this.#fleet.running + this.#fleet.hidden,
      workSeconds: this.#tasks.work,
    };
  }

  #poll(): void {
    while (this.calls < DISPATCH_BATCH.maximumConcurrency && this.#queue.length > 0) {
      const batch: Message[] = [];
      while (batch.length < DISPATCH_BATCH.size) {
        const message = this.#queue.shift();
        if (!message) break;
        batch.push(message);
      }
      this.calls++;
      this.#steps.add('call', this.#clock.now);
      this.#handle({ startedAt: this.#clock.now, knownVcpus: undefined }, batch);
    }
  }

  /** The messages of a batch one after the other, each when the one before it is done. */
  #handle(call: Call, [message, ...rest]: readonly Message[]): void {
    if (!message) {
      const seconds = this.#clock.now - call.startedAt;
      this.callSeconds += seconds;
      this.longestCall = Math.max(this.longestCall, seconds);
      this.calls--;
      this.#poll();
      return;
    }
    this.#clock.after(this.#dispatch(call, message), () => this.#handle(call, rest));
  }

  /** Does what `dispatchMessage` does and returns the seconds that it takes. */
  #dispatch(call: Call, message: Message): number {
    const { video, about } = message;
    this.#steps.add(about === 'source' ? 'source' : 'planned', this.#clock.now);
    const { planned } = video;
    const backlog = this.#backlog;
    const need =
      about === 'source'
        ? { tasks: 1, workSeconds: 0 }
        : {
            tasks: Math.max(planned.tasks.length, backlog.tasks),
            workSeconds: Math.max(planned.work, backlog.workSeconds),
          };
    const { seconds, machines } = this.#ensure(call, need);
    if (!machines) {
      this.refused++;
      this.#clock.after(QUEUES.uploads.visibilityTimeoutSeconds, () => {
        this.#queue.push(message);
        this.#poll();
      });
    } else {
      this.waits.push(this.#clock.now + seconds - message.sentAt);
      if (about === 'source') {
        this.#tasks.send(video, PLAN);
        this.#fleet.wake();
      }
    }
    return seconds + 2 * A.storeSeconds;
  }

  /** `Capacity.ensure`: asks for what is missing; says what it took and whether any machine runs at all. */
  #ensure(call: Call, need: { tasks: number; workSeconds: number }): { seconds: number; machines: boolean } {
    let seconds = 0;
    if (call.knownVcpus === undefined) {
      const pages = Math.max(1, Math.ceil(this.#fleet.machines / A.describePage));
      this.#steps.add('describe', this.#clock.now, pages);
      seconds += pages * A.describeSeconds;
      call.knownVcpus = this.#fleet.visibleVcpus;
    }
    const request = requestFor({ ...this.#settings, ...need, runningVcpus: call.knownVcpus });
    if (request) {
      this.#steps.add('fleet', this.#clock.now);
      seconds += A.fleetSeconds;
      this.largestTarget = Math.max(this.largestTarget, request.targetVcpus);
      call.knownVcpus += this.#fleet.launch(request.targetVcpus, request.largestVcpus);
    }
    return { seconds, machines: call.knownVcpus > 0 };
  }
}
