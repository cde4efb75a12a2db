/** The machines: they boot, take tasks, are taken back by EC2, end when there is nothing to do. */
import type { CapacityRequest } from '../../jobs/capacity.ts';
import { QUEUES } from '../../jobs/platform.ts';
import type { Architecture } from '../../lib/instance-types.ts';
import { A } from './assumptions.ts';
import type { Clock } from './clock.ts';
import type { Pool, SpotMarket } from './market.ts';
import { Random } from './random.ts';
import type { Steps } from './requests.ts';
import { PLAN, PUBLISH, type TaskQueue, type Video, workOf } from './task-queue.ts';

/** Messages a receive (worker-scripts/task-loop.ts). */
const RECEIVE_LIMIT = 10;
/** Receipts that publish reads at once (jobs/progress.ts). */
const RECEIPTS_AT_ONCE = 50;
/** A worker's heartbeat (worker-scripts/task-loop.ts). */
const HEARTBEAT = QUEUES.tasks.visibilityTimeoutSeconds / 3;
/** EC2 bills at least a minute. */
const LEAST_BILLED = 60;
/** Seconds from a spot notice to the machine's end: the worker stops at once. */
const STOPPING = 10;
const HOUR = 3600;

interface Run {
  readonly video: Video;
  readonly task: number;
  readonly machine: Machine;
  readonly startedAt: number;
}

interface Machine {
  readonly pool: Pool;
  readonly launchedAt: number;
  readonly runs: Set<Run>;
  /** Where it stands among those with free slots; -1 if it does not. */
  place: number;
  idleSince: number;
  gone: boolean;
}

/** What EventBridge tells of a machine (jobs/machine-events.ts). */
export type Leaving = 'interrupted' | 'ended';

/** What the fleet cost and did. */
export interface FleetTotals {
  machines: number;
  machineHours: number;
  vcpuHours: number;
  /** Dollars. */
  spot: number;
  interruptions: number;
  withoutNotice: number;
  /** vCPU-seconds on the machines that ran, of tasks that ended and of those that had to begin anew. */
  done: number;
  repeated: number;
}

export interface FleetSettings {
  readonly seed: number;
  readonly idleSeconds: number;
  readonly maxLifetimeSeconds: number;
  /** vCPUs that AWS lets run at once. */
  readonly quotaVcpus: number;
}

export class Fleet {
  readonly totals: FleetTotals = {
    machines: 0,
    machineHours: 0,
    vcpuHours: 0,
    spot: 0,
    interruptions: 0,
    withoutNotice: 0,
    done: 0,
    repeated: 0,
  };
  /** vCPUs and machines that run or boot. */
  vcpus = 0;
  machines = 0;
  /** Slots with a task, and messages that a dead machine held and that are still hidden. */
  running = 0;
  hidden = 0;

  readonly #clock: Clock;
  readonly #market: SpotMarket;
  readonly #tasks: TaskQueue;
  readonly #steps: Steps;
  readonly #settings: FleetSettings;
  readonly #random: Random;
  readonly #chance: Random;
  readonly #onDone: (video: Video, task: number) => void;
  readonly #onLeaving: (how: Leaving) => void;
  /** Machines with free slots, in no order. */
  readonly #free: Machine[] = [];

  constructor(
    parts: { clock: Clock; market: SpotMarket; tasks: TaskQueue; steps: Steps },
    settings: FleetSettings,
    onDone: (video: Video, task: number) => void,
    onLeaving: (how: Leaving) => void,
  ) {
    this.#clock = parts.clock;
    this.#market = parts.market;
    this.#tasks = parts.tasks;
    this.#steps = parts.steps;
    this.#settings = settings;
    this.#random = new Random(settings.seed, 'tasks');
    this.#chance = new Random(settings.seed, 'machines');
    this.#onDone = onDone;
    this.#onLeaving = onLeaving;
  }

  /** Machines that wait for a message. */
  get waiting(): number {
    return this.#free.length;
  }

  /** Launches what market and quota give and returns its vCPUs. */
  launch(architecture: Architecture, request: CapacityRequest): number {
    const room = this.#settings.quotaVcpus - this.vcpus;
    const pools = this.#market.take(this.#clock.now, architecture, request, room);
    const vcpus = pools.reduce((sum, pool) => sum + pool.vcpus, 0);
    for (const pool of pools) this.#launch(pool);
    return vcpus;
  }

  #launch(pool: Pool): void {
    const { now } = this.#clock;
    const machine: Machine = {
      pool,
      launchedAt: now,
      runs: new Set(),
      place: -1,
      idleSince: now,
      gone: false,
    };
    this.vcpus += pool.vcpus;
    this.machines++;
    this.totals.machines++;
    this.#steps.add('instance', now);
    this.#clock.after(this.#chance.logNormal(A.bootMedian, A.bootSpread), () => {
      if (machine.gone) return;
      machine.idleSince = this.#clock.now;
      this.#offer(machine);
      this.#endWhenIdle(machine, this.#settings.idleSeconds);
      this.wake();
    });
    const untilInterrupted = this.#chance.exponential(pool.interruptions / HOUR);
    if (untilInterrupted < this.#settings.maxLifetimeSeconds)
      this.#clock.after(untilInterrupted, () => this.#interrupt(machine));
    else this.#clock.after(this.#settings.maxLifetimeSeconds, () => this.#stop(machine));
  }

  /** Gives waiting tasks to machines with free slots, whichever asked first: any of them. */
  wake(): void {
    while (this.#tasks.count > 0 && this.#free.length > 0) {
      const machine = this.#free[this.#random.below(this.#free.length)];
      if (!machine) return;
      const count = Math.min(RECEIVE_LIMIT, machine.pool.vcpus - machine.runs.size);
      for (let received = 0; received < count; received++) {
        const message = this.#tasks.take();
        if (message) this.#start(machine, message.video, message.task);
      }
      this.#steps.add('receive', this.#clock.now);
      if (machine.runs.size >= machine.pool.vcpus) this.#withdraw(machine);
    }
  }

  #start(machine: Machine, video: Video, task: number): void {
    const run = { video, task, machine, startedAt: this.#clock.now };
    machine.runs.add(run);
    this.running++;
    const seconds = this.#duration(machine, video, task);
    this.#clock.after(seconds, () => this.#finish(run, seconds));
  }

  #duration({ pool }: Machine, { planned, ended }: Video, task: number): number {
    if (ended) return A.taskOverhead;
    if (task === PLAN) return A.taskOverhead + planned.planSeconds;
    if (task === PUBLISH) {
      const reads = Math.ceil(planned.tasks.length / RECEIPTS_AT_ONCE) * A.storeSeconds;
      return A.taskOverhead + A.publishSeconds + reads;
    }
    const { work = 0, bytes = 0 } = planned.tasks[task] ?? {};
    const computing = (work * this.#random.logNormal(1, A.workSpread)) / pool.speed;
    return A.taskOverhead + Math.max(computing, bytes / A.readRate);
  }

  #finish(run: Run, seconds: number): void {
    const { machine, video, task } = run;
    if (!machine.runs.delete(run)) return; // interrupted
    this.running--;
    this.totals.done += seconds;
    if (workOf(video, task) > 0) video.spent += seconds;
    this.#steps.add('heartbeat', this.#clock.now, Math.floor(seconds / HEARTBEAT));
    if (machine.runs.size === 0) machine.idleSince = this.#clock.now;
    this.#offer(machine);
    this.#onDone(video, task);
    this.wake();
  }

  #offer(machine: Machine): void {
    if (machine.place >= 0 || machine.gone) return;
    machine.place = this.#free.push(machine) - 1;
  }

  #withdraw(machine: Machine): void {
    if (machine.place < 0) return;
    const last = this.#free.pop();
    if (last && last !== machine) {
      this.#free[machine.place] = last;
      last.place = machine.place;
    }
    machine.place = -1;
  }

  /** Looks again when the idle time may be over. The worker notices it when its long poll returns. */
  #endWhenIdle(machine: Machine, seconds: number): void {
    const poll = this.#chance.between(0, QUEUES.tasks.receiveWaitSeconds);
    this.#clock.after(seconds + poll, () => {
      if (machine.gone) return;
      const idle = machine.runs.size === 0 ? this.#clock.now - machine.idleSince : 0;
      if (idle >= this.#settings.idleSeconds) this.#remove(machine, 0);
      else this.#endWhenIdle(machine, this.#settings.idleSeconds - idle);
    });
  }

  /** EC2 takes a machine back: with a notice its worker returns its tasks, without one they stay hidden. */
  #interrupt(machine: Machine): void {
    if (machine.gone) return;
    this.totals.interruptions++;
    if (this.#chance.next() >= A.noNotice) {
      this.#onLeaving('interrupted');
      this.#stop(machine);
      return;
    }
    this.totals.withoutNotice++;
    const runs = this.#abandon(machine);
    this.#remove(machine, 0);
    this.hidden += runs.length;
    const { visibilityTimeoutSeconds } = QUEUES.tasks;
    for (const { video, task } of runs) {
      const left = this.#chance.between(visibilityTimeoutSeconds - HEARTBEAT, visibilityTimeoutSeconds);
      this.#clock.after(left, () => {
        this.hidden--;
        this.#tasks.send(video, task);
        this.wake();
      });
    }
  }

  /** The worker hands its tasks back and the machine ends. */
  #stop(machine: Machine): void {
    if (machine.gone) return;
    const runs = this.#abandon(machine);
    this.#remove(machine, STOPPING);
    for (const { video, task } of runs) this.#tasks.send(video, task);
    this.#steps.add('heartbeat', this.#clock.now, runs.length);
    this.wake();
  }

  #abandon(machine: Machine): Run[] {
    const runs = [...machine.runs];
    machine.runs.clear();
    this.running -= runs.length;
    for (const { video, task, startedAt } of runs)
      if (workOf(video, task) > 0) this.totals.repeated += this.#clock.now - startedAt;
    return runs;
  }

  #remove(machine: Machine, stopping: number): void {
    const { pool, launchedAt } = machine;
    this.#withdraw(machine);
    machine.gone = true;
    pool.used -= pool.vcpus;
    this.vcpus -= pool.vcpus;
    this.machines--;
    this.#onLeaving('ended');
    const hours = Math.max(LEAST_BILLED, this.#clock.now - launchedAt + stopping) / HOUR;
    this.totals.machineHours += hours;
    this.totals.vcpuHours += hours * pool.vcpus;
    this.totals.spot += hours * pool.vcpus * pool.price;
  }
}
