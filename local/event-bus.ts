/**
 * EventBridge's default bus on a laptop: takes events, and sends those that a rule matches to its queues. Rules live as
 * long as the process, and match exact values alone.
 * https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
 */
import { z } from 'zod';
import { ACCOUNT } from './aws/account.ts';
import { eventBridgeEvent } from './aws/event.ts';
import { type Listening, listen } from './aws/http.ts';
import { JsonApiError, jsonApiListener } from './aws/json-api.ts';
import type { Authorize } from './iam/iam.ts';

export interface EventBusOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
  /** Puts an event onto a queue. */
  readonly send: (queue: string, eventJson: string) => Promise<void>;
}

/** Lists of the values that a field may have, at the places where the event has them. */
interface Pattern {
  readonly [field: string]: readonly (string | number | boolean | null)[] | Pattern;
}
const patternSchema: z.ZodType<Pattern> = z.lazy(() =>
  z.record(
    z.string(),
    z.union([z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])), patternSchema]),
  ),
);

const putEventsSchema = z.object({
  Entries: z
    .array(
      z.object({
        Source: z.string().min(1),
        DetailType: z.string().min(1),
        Detail: z.string().transform((text) => z.looseObject({}).parse(JSON.parse(text))),
        /** Seconds since 1970. */
        Time: z.number().optional(),
        Resources: z.array(z.string()).default([]),
      }),
    )
    .min(1)
    .max(10),
});
const putRuleSchema = z.object({
  Name: z.string().min(1),
  EventPattern: z.string().transform((text) => patternSchema.parse(JSON.parse(text))),
});
const putTargetsSchema = z.object({
  Rule: z.string().min(1),
  Targets: z.array(z.object({ Id: z.string(), Arn: z.string().startsWith('arn:aws:sqs:') })),
});

interface Rule {
  readonly pattern: Pattern;
  /** Names of queues. */
  readonly queues: Set<string>;
}

/** Whether an event, or a part of one, has one of the values that a pattern lists wherever it lists any. */
function matches(pattern: Pattern, value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const fields: Readonly<Record<string, unknown>> = { ...value };
  return Object.entries(pattern).every(([field, wanted]) =>
    isValues(wanted) ? wanted.some((one) => one === fields[field]) : matches(wanted, fields[field]),
  );
}

/** `Array.isArray` does not tell a read-only array from an object. */
const isValues = (wanted: Pattern[string]): wanted is Extract<Pattern[string], readonly unknown[]> =>
  Array.isArray(wanted);

class EventBus {
  readonly #options: EventBusOptions;
  readonly #rules = new Map<string, Rule>();

  constructor(options: EventBusOptions) {
    this.#options = options;
  }

  async perform(action: string, input: unknown): Promise<object> {
    switch (action) {
      case 'PutRule':
        return this.#putRule(putRuleSchema.parse(input));
      case 'PutTargets':
        return this.#putTargets(putTargetsSchema.parse(input));
      case 'PutEvents':
        return this.#putEvents(putEventsSchema.parse(input));
      default:
        throw new JsonApiError('ValidationException', `${action} is not built here`);
    }
  }

  #putRule({ Name, EventPattern }: z.infer<typeof putRuleSchema>): object {
    this.#rules.set(Name, { pattern: EventPattern, queues: this.#rules.get(Name)?.queues ?? new Set() });
    return { RuleArn: `arn:aws:events:${this.#options.region}:${ACCOUNT}:rule/${Name}` };
  }

  #putTargets({ Rule, Targets }: z.infer<typeof putTargetsSchema>): object {
    const rule = this.#rules.get(Rule);
    if (!rule) throw new JsonApiError('ValidationException', `Rule ${Rule} does not exist.`);
    for (const { Arn } of Targets) rule.queues.add(Arn.split(':').at(-1) ?? '');
    return { FailedEntryCount: 0, FailedEntries: [] };
  }

  async #putEvents({ Entries }: z.infer<typeof putEventsSchema>): Promise<object> {
    const { region, send } = this.#options;
    const events = Entries.map(({ Source, DetailType, Detail, Time, Resources }) => {
      const time = Time === undefined ? new Date() : new Date(Time * 1000);
      const told = { source: Source, detailType: DetailType, detail: Detail };
      return eventBridgeEvent(region, told, time, Resources);
    });
    for (const event of events)
      for (const { pattern, queues } of this.#rules.values())
        if (matches(pattern, event)) for (const queue of queues) await send(queue, JSON.stringify(event));
    return { FailedEntryCount: 0, Entries: events.map(({ id }) => ({ EventId: id })) };
  }
}

/** Starts it on the loopback interface. Rejects where the port is taken. */
export function startEventBus(options: EventBusOptions): Promise<Listening> {
  const bus = new EventBus(options);
  return listen(
    options.port,
    jsonApiListener({
      service: 'AWSEvents',
      authorize: options.authorize,
      callOf: (action) => ({
        action: `events:${action}`,
        resource: `arn:aws:events:${options.region}:${ACCOUNT}:event-bus/default`,
      }),
      perform: (action, input) => bus.perform(action, input),
    }),
  );
}
