/**
 * Lets planned faults strike a local platform. A task that is lost three times ends its video, by the platform's
 * promise; so no machine is lost without time to hand its tasks back while a task is at its last delivery. Hand-backs
 * are no losses, so a spot notice strikes whenever it is due.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { QUEUES } from '../../jobs/platform.ts';
import type { Ec2, InstanceView } from '../ec2/ec2.ts';
import type { Sqs } from '../sqs/sqs.ts';
import type { FaultHooks, S3Fault } from './hooks.ts';
import type { FaultKind, PlannedFault } from './schedule.ts';

/** A fault that struck. */
export interface Strike {
  readonly kind: FaultKind;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** What it met. */
  readonly detail: string;
}

/** The part of a platform that faults strike from outside. */
export interface Victim {
  readonly sqs: Pick<Sqs, 'messages' | 'send'>;
  readonly ec2: Pick<Ec2, 'killInstance' | 'serveSpotNotice'> & {
    instances(): readonly Pick<InstanceView, 'instanceId' | 'state'>[];
  };
}

/** Milliseconds between two looks at what is due. */
const LOOK_EVERY_MS = 100;
/** Seconds of notice that EC2 gives. */
const FULL_NOTICE_SECONDS = 120;
/** Seconds of notice within which a machine just hears of it, which looks every five; at most so many more are given. */
const SHORT_NOTICE_SECONDS = 5;
const MORE_NOTICE_SECONDS = 4;
/** Seconds by which a message comes late, at most. */
const LONGEST_DELAY_SECONDS = 15;
/** Seconds by which a body comes late, at most. */
const LONGEST_SLOW_SECONDS = 2;
/** Requests in a row that one fault of S3 meets, at most. */
const MOST_REQUESTS = 10;
/** Refusals of one call that the AWS SDKs' retries (three tries by default) always survive. */
const SURVIVED_REFUSALS = 2;
/** What EC2 answers where it has no machine, and where the account's quota allows none. */
const FLEET_CODES = ['InsufficientInstanceCapacity', 'MaxSpotInstanceCountExceeded'] as const;

/** Of an S3 event only its key tells anything. */
const shortened = (body: string): string => /"key":"([^"]+)"/.exec(body)?.[1] ?? body;

/** The element at a share, 0 to 1, of a list. */
const at = <T>(list: readonly T[], share: number): T | undefined => list[Math.floor(share * list.length)];

/** A message as it was sent. */
interface Content {
  readonly body: string;
  readonly group: string | undefined;
}

interface Caller {
  readonly call: string;
  readonly isMachine: boolean;
}

/** A fault of S3 that still has requests to meet. */
interface S3Burst {
  readonly fault: PlannedFault;
  left: number;
}

export class Injector {
  /** To be given to the platform. */
  readonly hooks: FaultHooks;
  readonly strikes: Strike[] = [];
  /** Tasks that the platform is to do: what progress is a share of. */
  readonly #tasks: number;
  /** Faults whose progress has not come. */
  readonly #planned: PlannedFault[];
  /** Faults that strike from their time on, as soon as they can. */
  #due: { readonly fault: PlannedFault; readonly time: number }[] = [];
  /** Faults that strike what happens next, by kind. */
  readonly #armed: PlannedFault[] = [];
  #bursts: S3Burst[] = [];
  /** Refusals by the SDK's id of a call. */
  readonly #refusals = new Map<string, number>();
  /** Machines that have met their end, or know when it comes. */
  readonly #ended = new Set<string>();
  readonly #receipts = new Set<string>();
  readonly #sent: { readonly queue: string; readonly body: string; readonly group: string | undefined }[] =
    [];
  readonly #tell: (strike: Strike) => void;
  #victim: Victim | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /**
   * @param tasks receipts that the whole work leaves
   * @param tell is told of each fault when it strikes
   */
  constructor(faults: readonly PlannedFault[], tasks: number, tell: (strike: Strike) => void) {
    this.#planned = [...faults];
    this.#tasks = tasks;
    this.#tell = tell;
    this.hooks = {
      s3Request: (method, path, headers) => this.#s3Request(method, path, headers),
      messageSent: (queue, content) => this.#messageSent(queue, content),
      fleetRequested: () => this.#fleetRequested(),
    };
  }

  /** Begins. */
  start(victim: Victim): void {
    this.#victim = victim;
    this.#timer = setInterval(() => this.#look(victim), LOOK_EVERY_MS);
  }

  /** Ends; what has not struck never will. */
  stop(): void {
    clearInterval(this.#timer);
    this.#isStopped = true;
  }

  /** Whether faults are still to come that do not wait for something else to happen. */
  get isBusy(): boolean {
    return this.#planned.length + this.#due.length > 0;
  }

  /** Faults that have not struck yet. */
  get left(): readonly PlannedFault[] {
    return [...this.#planned, ...this.#due.map(({ fault }) => fault), ...this.#armed];
  }

  #look(victim: Victim): void {
    const progress = this.#receipts.size / this.#tasks;
    for (let next = this.#planned[0]; next && next.at <= progress; next = this.#planned[0]) {
      this.#planned.shift();
      this.#due.push({ fault: next, time: Date.now() + next.afterSeconds * 1000 });
    }
    this.#due = this.#due.filter(({ fault, time }) => time > Date.now() || !this.#strike(victim, fault));
  }

  /** Says whether the fault has struck, or waits for what comes next; otherwise it is tried again. */
  #strike(victim: Victim, fault: PlannedFault): boolean {
    switch (fault.kind) {
      case 'kill':
      case 'spot-notice':
        return this.#endMachine(victim, fault);
      case 'duplicate-task':
        return this.#duplicate(victim, fault, 'tasks');
      case 'duplicate-event':
        return this.#duplicate(victim, fault, 'uploads');
      case 'delayed-message':
      case 's3-refuses':
      case 's3-slow':
      case 'refused-launch':
        this.#armed.push(fault);
        return true;
    }
  }

  #endMachine({ ec2 }: Victim, fault: PlannedFault): boolean {
    const ids = ec2.instances().flatMap(({ instanceId, state }) => (state === 'running' ? [instanceId] : []));
    const instanceId = at(
      ids.filter((id) => !this.#ended.has(id)),
      fault.choice,
    );
    const isTaskAtItsLast = this.#isTaskAtItsLast();
    if (instanceId === undefined || (fault.kind === 'kill' && isTaskAtItsLast)) return false;
    this.#ended.add(instanceId);
    if (fault.kind === 'kill') {
      void ec2.killInstance(instanceId);
      this.#struck(fault, instanceId);
    } else {
      // Too short a notice loses the task in hand.
      const short = SHORT_NOTICE_SECONDS + fault.amount * MORE_NOTICE_SECONDS;
      const seconds = isTaskAtItsLast ? FULL_NOTICE_SECONDS : short;
      ec2.serveSpotNotice(instanceId, seconds);
      this.#struck(fault, `${instanceId} in ${seconds.toFixed(1)} s`);
    }
    return true;
  }

  /** Whether a task would become a dead letter by the loss of its present or next delivery. */
  #isTaskAtItsLast(): boolean {
    const { maxReceiveCount } = QUEUES.tasks;
    const messages = this.#victim?.sqs.messages('tasks') ?? [];
    return messages.some(
      ({ receiveCount, inFlight }) => receiveCount + (inFlight ? 0 : 1) >= maxReceiveCount,
    );
  }

  #duplicate({ sqs }: Victim, fault: PlannedFault, queue: string): boolean {
    const ever: readonly Content[] = this.#sent.filter((message) => message.queue === queue);
    const held: readonly Content[] = sqs.messages(queue).filter(({ inFlight }) => inFlight);
    const message = at(fault.amount < 0.5 && held.length > 0 ? held : ever, fault.choice);
    if (!message) return false;
    void sqs.send(queue, message.body, message.group);
    this.#struck(fault, shortened(message.body));
    return true;
  }

  #messageSent(queue: string, { body, group }: Content): number {
    this.#sent.push({ queue, body, group });
    const fault = this.#disarm('delayed-message');
    if (!fault) return 0;
    const seconds = Math.ceil(fault.amount * LONGEST_DELAY_SECONDS);
    this.#struck(fault, `${seconds} s: ${shortened(body)}`);
    return seconds;
  }

  #fleetRequested(): string | undefined {
    const fault = this.#disarm('refused-launch');
    const code = fault && at(FLEET_CODES, fault.choice);
    if (fault && code) this.#struck(fault, code);
    return code;
  }

  #s3Request(method: string, path: string, headers: IncomingHttpHeaders): S3Fault | undefined {
    if (method === 'PUT' && path.includes('/done/')) this.#receipts.add(path.split('?')[0] ?? '');
    const caller = callerOf(headers);
    if (!caller) return undefined;
    for (const kind of ['s3-refuses', 's3-slow'] as const) {
      const burst = this.#burst(kind);
      if (!burst || (kind === 's3-refuses' && !this.#mayRefuse(caller))) continue;
      if (burst.left === requestsOf(burst.fault))
        this.#struck(burst.fault, `${burst.left} from ${method} ${path}`);
      burst.left--;
      if (kind === 's3-slow') return { slowMs: burst.fault.choice * LONGEST_SLOW_SECONDS * 1000 };
      return { refuse: burst.fault.choice < 0.5 ? 'before' : 'after' };
    }
    return undefined;
  }

  /** The burst of a kind that goes on, or a new one where a fault waits for it. */
  #burst(kind: FaultKind): S3Burst | undefined {
    this.#bursts = this.#bursts.filter(({ left }) => left > 0 && !this.#isStopped);
    const running = this.#bursts.find(({ fault }) => fault.kind === kind);
    if (running) return running;
    const fault = this.#disarm(kind);
    if (!fault) return undefined;
    const burst = { fault, left: requestsOf(fault) };
    this.#bursts.push(burst);
    return burst;
  }

  /** Whether a call may be refused: so often that its caller gives up only where that is a task with a delivery left. */
  #mayRefuse({ call, isMachine }: Caller): boolean {
    const refusals = this.#refusals.get(call) ?? 0;
    if (refusals >= SURVIVED_REFUSALS && (!isMachine || this.#isTaskAtItsLast())) return false;
    this.#refusals.set(call, refusals + 1);
    return true;
  }

  /** Takes the first fault of a kind that waits for what comes next. */
  #disarm(kind: FaultKind): PlannedFault | undefined {
    const index = this.#armed.findIndex((fault) => fault.kind === kind);
    return index < 0 || this.#isStopped ? undefined : this.#armed.splice(index, 1)[0];
  }

  #struck({ kind }: PlannedFault, detail: string): void {
    const strike = { kind, time: Date.now(), detail };
    this.strikes.push(strike);
    this.#tell(strike);
  }
}

/** Who of the platform asks, and the SDK's id of the call; undefined for everybody else, who is left in peace. */
function callerOf(headers: IncomingHttpHeaders): Caller | undefined {
  const call = headers['amz-sdk-invocation-id'];
  if (typeof call !== 'string') return undefined;
  // Machines sign with their role's temporary key; the SDK says where Lambda runs it.
  const isMachine = headers.authorization?.includes('Credential=ASIA') ?? false;
  const isLambda = headers['user-agent']?.includes('exec-env/AWS_Lambda') ?? false;
  return isMachine || isLambda ? { call, isMachine } : undefined;
}

const requestsOf = ({ amount }: PlannedFault): number => 1 + Math.floor(amount * MOST_REQUESTS);
