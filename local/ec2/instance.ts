/** An EC2 instance on a laptop: a worker process in its own group, with instance metadata of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { programFile } from '../../jobs/program-file.ts';
import { COMPILED } from '../compiled.ts';
import { type Credentials, type Metadata, startMetadata } from './metadata.ts';

/** What an instance runs: its launch template's user data, reduced to starting the worker. */
export interface WorkerSpec {
  readonly command: string;
  readonly args: readonly string[];
  /** Added to `PATH`, `HOME`, `AWS_REGION` and the metadata endpoint; nothing else reaches the worker. */
  readonly env: Readonly<Record<string, string>>;
  /** Directory of one log an instance, `<instance id>.log`; made where it is missing. */
  readonly logDir: string;
}

export interface Placement {
  readonly region: string;
  readonly subnetId: string | undefined;
  readonly availabilityZone: string;
}

export interface InstanceOptions {
  readonly type: string;
  readonly lifecycle: 'spot' | 'on-demand';
  readonly placement: Placement;
  readonly tags: ReadonlyMap<string, string>;
  readonly clientToken: string;
  readonly worker: WorkerSpec;
  readonly credentials: Credentials;
  /** Which of the laptop's places for machines it has, from 0. */
  readonly slot: number;
  /** Cores that the worker may use, by number; all where undefined. */
  readonly cores: readonly number[] | undefined;
  /** Milliseconds between SIGTERM and SIGKILL. */
  readonly terminateGraceMs: number;
  /** Hears what EventBridge would. */
  readonly tell: (event: InstanceEvent) => void;
}

/**
 * What EC2 sends to EventBridge about an instance.
 * https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/automating_with_eventbridge.html
 */
export interface InstanceEvent {
  readonly detailType: string;
  readonly detail: { readonly 'instance-id': string; readonly state?: InstanceState };
}

/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_InstanceState.html */
export const STATE_CODES = { pending: 0, running: 16, 'shutting-down': 32, terminated: 48 } as const;
export type InstanceState = keyof typeof STATE_CODES;

/** Why instances end. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html */
export const END_REASONS = {
  'Client.InstanceInitiatedShutdown': 'Client.InstanceInitiatedShutdown: Instance initiated shutdown',
  'Client.UserInitiatedShutdown': 'Client.UserInitiatedShutdown: User initiated shutdown',
  'Server.SpotInstanceTermination': 'Server.SpotInstanceTermination: Spot instance termination',
  'Server.InternalError': 'Server.InternalError: The machine was lost',
} as const;
export type EndReason = keyof typeof END_REASONS;

/** What a guardian understands. */
type Order = 'terminate' | 'kill';

const GUARDIAN = programFile('local/ec2/guardian.ts');

export class Instance {
  readonly id = `i-${randomBytes(9).toString('hex').slice(1)}`;
  readonly reservationId = `r-${randomBytes(9).toString('hex').slice(1)}`;
  readonly launchTime = new Date();
  readonly options: InstanceOptions;
  readonly tags: Map<string, string>;
  state: InstanceState = 'pending';
  endReason: EndReason | undefined;
  endTime: Date | undefined;
  /** Resolves when the instance is terminated and none of its processes is left. */
  readonly ended: Promise<void>;
  readonly #end: () => void;
  #metadata: Metadata | undefined;
  #guardian: ChildProcess | undefined;
  /** The last order, for a guardian that is not there yet. */
  #order: Order | undefined;
  #interruption: NodeJS.Timeout | undefined;

  constructor(options: InstanceOptions) {
    this.options = options;
    this.tags = new Map(options.tags);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
  }

  get logFile(): string {
    return join(this.options.worker.logDir, `${this.id}.log`);
  }

  /** Starts the worker. Rejects, terminated, where its log or its metadata cannot be served. */
  async start(): Promise<void> {
    try {
      this.#metadata = await this.#startMetadata();
      await this.#startGuardian(this.#metadata.url);
    } catch (error) {
      this.endReason ??= 'Server.InternalError';
      await this.#onExit();
      throw error;
    }
    if (this.#order) this.#give(this.#order);
    else this.#become('running');
  }

  #startMetadata(): Promise<Metadata> {
    const { type: instanceType, lifecycle, placement, credentials } = this.options;
    const { id: instanceId, launchTime } = this;
    const { region, availabilityZone } = placement;
    return startMetadata({
      instanceId,
      instanceType,
      lifecycle,
      region,
      availabilityZone,
      launchTime,
      credentials,
    });
  }

  async #startGuardian(metadataUrl: string): Promise<void> {
    const { worker, placement, terminateGraceMs, cores } = this.options;
    await mkdir(worker.logDir, { recursive: true });
    const log = await open(this.logFile, 'a');
    const command = pinned([worker.command, ...worker.args], cores);
    const guardian = spawn(process.execPath, [GUARDIAN, String(terminateGraceMs), ...command], {
      // A session of its own: Ctrl-C in our terminal must not end the guardian before its worker.
      detached: true,
      stdio: ['pipe', log.fd, log.fd],
      env: environment(worker.env, placement.region, metadataUrl),
    });
    // Orders to a guardian that has just ended: its `exit` says so.
    guardian.stdin?.on('error', () => {});
    guardian.once('exit', () => void this.#onExit());
    this.#guardian = guardian;
    await once(guardian, 'spawn').finally(() => log.close());
  }

  /** SIGTERM, and SIGKILL after the grace time. */
  terminate(reason: EndReason): void {
    this.#stop(reason, 'terminate');
  }

  /** SIGKILL at once: the machine is lost. */
  kill(): void {
    this.#stop('Server.InternalError', 'kill');
  }

  /** Serves a spot notice, and terminates the instance when its time has come, as EC2 does. */
  interrupt(seconds: number): void {
    this.#metadata?.announceInterruption(new Date(Date.now() + seconds * 1000));
    this.#tell('EC2 Instance Rebalance Recommendation');
    this.#tell('EC2 Spot Instance Interruption Warning', { 'instance-action': 'terminate' });
    clearTimeout(this.#interruption);
    this.#interruption = setTimeout(() => this.terminate('Server.SpotInstanceTermination'), seconds * 1000);
  }

  #stop(reason: EndReason, order: Order): void {
    if (this.state === 'terminated') return;
    this.endReason ??= reason;
    this.#become('shutting-down');
    this.#give(order);
  }

  #give(order: Order): void {
    this.#order = order;
    this.#guardian?.stdin?.write(`${order}\n`);
  }

  async #onExit(): Promise<void> {
    clearTimeout(this.#interruption);
    this.#become('shutting-down');
    await this.#metadata?.close();
    // A worker that ends by itself shuts its machine down, and our launch templates make that a termination.
    this.endReason ??= 'Client.InstanceInitiatedShutdown';
    this.endTime = new Date();
    this.#become('terminated');
    this.#end();
  }

  #become(state: InstanceState): void {
    if (state === this.state) return;
    this.state = state;
    this.#tell('EC2 Instance State-change Notification', { state });
  }

  #tell(detailType: string, detail: object = {}): void {
    this.options.tell({ detailType, detail: { 'instance-id': this.id, ...detail } });
  }
}

function environment(extra: Readonly<Record<string, string>>, region: string, metadataUrl: string) {
  const { PATH, HOME } = process.env;
  return {
    PATH,
    HOME,
    ...COMPILED,
    AWS_REGION: region,
    AWS_EC2_METADATA_SERVICE_ENDPOINT: metadataUrl,
    // A fresh machine has no profiles; without this, the SDK would find those of whoever owns this laptop.
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    ...extra,
  };
}

/** The command bound to some cores, so that a program sees as many as the machine would have. Linux can do so. */
function pinned(command: readonly string[], cores: readonly number[] | undefined): readonly string[] {
  return cores && process.platform === 'linux' ? ['taskset', '-c', cores.join(','), ...command] : command;
}

/**
 * Cores of the instance in a slot: `count` of them, the next ones for each slot, beginning anew when all are given.
 * `undefined` where an instance may use them all.
 */
export function coresOf(
  slot: number,
  count: number,
  available = availableParallelism(),
): number[] | undefined {
  if (count >= available) return undefined;
  return Array.from({ length: count }, (_, index) => (slot * count + index) % available);
}
