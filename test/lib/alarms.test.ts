/** Alarms that can fire, that tell what to do, and that cost nothing while idle. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { dimensionSets, METRICS, type MetricName, NAMESPACE } from '../../jobs/metrics.ts';
import { MEND_MINUTES, QUEUES, SWEEP_MINUTES } from '../../jobs/platform.ts';
import { spell, synthesize } from './support/template.ts';

const ROOT = join(import.meta.dirname, '../..');
const resources = synthesize();
const ofType = (type: string, from = resources) => from.filter((resource) => resource.Type === type);

const metricSchema = z.object({
  Namespace: z.string(),
  MetricName: z.string(),
  Dimensions: z.array(z.object({ Name: z.string(), Value: z.string() })),
});
const alarmSchema = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string(),
  AlarmActions: z.array(z.string()),
  OKActions: z.array(z.string()),
  InsufficientDataActions: z.array(z.string()).default([]),
  TreatMissingData: z.enum(['missing', 'notBreaching']),
  // Either one metric or an expression over several.
  Namespace: z.string().optional(),
  MetricName: z.string().optional(),
  Dimensions: metricSchema.shape.Dimensions.optional(),
  Statistic: z.string().optional(),
  Period: z.number().optional(),
  Threshold: z.number(),
  DatapointsToAlarm: z.number(),
  EvaluationPeriods: z.number(),
  Metrics: z
    .array(z.object({ MetricStat: z.object({ Metric: metricSchema, Stat: z.string() }).optional() }))
    .default([]),
});
const dashboardSchema = z.object({
  widgets: z.array(
    z.object({
      properties: z.object({
        title: z.string().optional(),
        metrics: z.array(z.array(z.unknown())).default([]),
      }),
    }),
  ),
});
const searchSchema = z.object({ expression: z.string() });
const alarms = ofType('AWS::CloudWatch::Alarm').map(({ Properties }) => alarmSchema.parse(spell(Properties)));
const platform = alarms[0]?.AlarmName.replace(/-[a-z]+-[a-z]+$/, '') ?? '';
const nameOf = ({ AlarmName }: { AlarmName: string }) => AlarmName.slice(platform.length + 1);
type Watched = z.infer<typeof metricSchema> & {
  readonly alarm: string;
  readonly statistic: string | undefined;
};
/** Every metric that an alarm looks at. */
const watched = alarms.flatMap((alarm): Watched[] => {
  const own = metricSchema.safeParse(alarm).data;
  return [
    ...(own ? [{ alarm: nameOf(alarm), statistic: alarm.Statistic, ...own }] : []),
    ...alarm.Metrics.flatMap(({ MetricStat }) =>
      MetricStat ? [{ alarm: nameOf(alarm), statistic: MetricStat.Stat, ...MetricStat.Metric }] : [],
    ),
  ];
});

test('there is an alarm for each way in which the platform can fail its owner', () => {
  expect(alarms.map(nameOf).sort()).toEqual([
    'api-errors',
    'dead-letters',
    'function-errors',
    'launch-errors',
    'oldest-task',
    'oldest-upload',
    'silent-worker',
    'spending-ceiling',
    'stuck-video',
  ]);
});

test('together they look at no more metrics than CloudWatch gives for nothing', () => {
  // https://aws.amazon.com/cloudwatch/pricing/: ten alarmed metrics, ten metrics of one's own, three dashboards.
  expect(watched.length).toBeLessThanOrEqual(10);
  expect(ofType('AWS::CloudWatch::Dashboard')).toHaveLength(1);
});

describe.each(alarms.map((alarm) => ({ name: nameOf(alarm), alarm })))('$name', ({ name, alarm }) => {
  test('has a page that says what to do, and names it', () => {
    expect(alarm.AlarmDescription).toMatch(new RegExp(`What to do: docs/runbooks/${name}\\.md$`));
    const page = readFileSync(join(ROOT, `docs/runbooks/${name}.md`), 'utf8');
    for (const heading of ['What it means', 'Look at', 'Do', 'When it is over'])
      expect(page).toContain(`## ${heading}\n`);
  });

  test('tells the topic when it begins and when it is over', () => {
    expect(alarm).toMatchObject({
      AlarmActions: [expect.stringMatching(/Topic/)],
      OKActions: alarm.AlarmActions,
    });
  });
});

test.each([
  ['oldest-task', 'spending-ceiling', 'spending-held'],
  ['oldest-task', 'launch-errors', 'machines-not-up'],
  ['oldest-task', 'launch-errors', 'launch-refused'],
])('the page of %s leads to %s by the line `%s`: then tasks wait for another reason', (page, to, line) => {
  const text = readFileSync(join(ROOT, `docs/runbooks/${page}.md`), 'utf8');
  const [, look, act] = text.split(/^## (?:Look at|Do)$/m);
  expect(look).toContain(`\`${line}\``);
  expect(act).toMatch(new RegExp(`^- .*\`${line}\`.*\\(${to}\\.md\\)`, 'm'));
});

test('no page is of an alarm that there is not', () => {
  const pages = readdirSync(join(ROOT, 'docs/runbooks')).map((file) => file.replace('.md', ''));
  expect(pages.sort()).toEqual(alarms.map(nameOf).sort());
});

describe('an alarm that could not fire is none:', () => {
  const own = watched.filter(({ Namespace }) => Namespace === NAMESPACE);

  test('each of ours looks at a metric of the table, as the table sums it up, under dimensions that are written', () => {
    expect(own.length).toBeGreaterThan(0);
    for (const { MetricName: name, Dimensions, statistic } of own) {
      expect(Object.keys(METRICS)).toContain(name);
      const metric = METRICS[name as MetricName]; // as the line before says
      expect(statistic).toBe(metric.statistic);
      expect(dimensionSets(name as MetricName)).toContainEqual(Dimensions.map(({ Name }) => Name));
      expect(Dimensions).toEqual([{ Name: 'platform', Value: platform }]);
    }
  });

  test('every function and every machine that writes them is told the same name of the platform', () => {
    const variables = ofType('AWS::Lambda::Function').flatMap(({ Properties }) => {
      const { Environment } = z
        .object({ Environment: z.object({ Variables: z.record(z.string(), z.unknown()) }).optional() })
        .parse(Properties);
      return Environment?.Variables['UPLOAD_BUCKET'] || Environment?.Variables['LIVE_TOPICS']
        ? [Environment.Variables['PLATFORM']]
        : [];
    });
    expect(variables).toEqual(Array.from({ length: 7 }, () => platform));
    const templates = ofType('AWS::EC2::LaunchTemplate').map((template) => JSON.stringify(spell(template)));
    expect(templates).not.toHaveLength(0);
    for (const template of templates) expect(template).toContain(`PLATFORM='${platform}'`);
  });

  test('the others look at queues and an API of this stack, by the names that AWS counts under', () => {
    const others = watched.filter(({ Namespace }) => Namespace !== NAMESPACE);
    expect(
      others.map(({ alarm, Namespace, MetricName, Dimensions }) => [
        alarm,
        `${Namespace} ${MetricName}`,
        ...Dimensions.map(({ Name, Value }) => `${Name}=${Value.replace(/[0-9A-F]{8}\b/, '')}`),
      ]),
    ).toEqual([
      ['oldest-task', 'AWS/SQS ApproximateAgeOfOldestMessage', 'QueueName=<PlatformQueuesTasks.QueueName>'],
      [
        'oldest-upload',
        'AWS/SQS ApproximateAgeOfOldestMessage',
        'QueueName=<PlatformQueuesUploads.QueueName>',
      ],
      [
        'dead-letters',
        'AWS/SQS ApproximateNumberOfMessagesVisible',
        'QueueName=<PlatformQueuesEventsDeadLetters.QueueName>',
      ],
      ['api-errors', 'AWS/ApiGateway 5xx', 'ApiId=<PlatformApiHttpApi>'],
    ]);
  });

  test('the topic takes what alarms and budgets of this account send, though its policy keeps out plain HTTP', () => {
    const [policy] = ofType('AWS::SNS::TopicPolicy');
    expect(spell(policy?.Properties['PolicyDocument'])).toMatchObject({
      Statement: expect.arrayContaining([
        expect.objectContaining({
          Effect: 'Allow',
          Action: 'sns:Publish',
          Principal: { Service: ['budgets.amazonaws.com', 'cloudwatch.amazonaws.com'] },
          Condition: { StringEquals: { 'aws:SourceAccount': '<AWS::AccountId>' } },
        }),
        expect.objectContaining({ Effect: 'Deny', Action: 'sns:Publish' }),
      ]),
    });
  });
});

describe('function-errors tells of what fails each time, however seldom it is tried:', () => {
  const schedules = ofType('AWS::Events::Rule').flatMap(
    ({ Properties }) => /^rate\((\d+) minutes?\)$/.exec(String(Properties['ScheduleExpression']))?.[1] ?? [],
  );
  const alarm = alarms.find((one) => nameOf(one) === 'function-errors');

  test.each([
    ...schedules.map((minutes) => ['a function that is called', Number(minutes) * 60] as const),
    ['a message of dispatch that comes back', QUEUES.uploads.visibilityTimeoutSeconds] as const,
  ])('%s every %i s', (_, seconds) => {
    const { Period = 0, Threshold = 0, DatapointsToAlarm = 0, EvaluationPeriods = 0 } = alarm ?? {};
    expect(Threshold).toBeGreaterThan(0);
    expect(Period / seconds).toBeGreaterThanOrEqual(Threshold);
    // Of calls that are a moment early or late a period may have none.
    expect(DatapointsToAlarm).toBeLessThan(EvaluationPeriods);
  });

  test('mend is the one that is called most seldom', () => {
    expect(schedules.map(Number).sort((a, b) => a - b)).toEqual([SWEEP_MINUTES, MEND_MINUTES]);
  });
});

test('dead-letters looks back: what its FILL puts for a line that comes late is not what was', () => {
  const alarm = alarms.find((one) => nameOf(one) === 'dead-letters');
  expect(alarm).toMatchObject({ DatapointsToAlarm: 1, EvaluationPeriods: 3 });
});

test('that mend is silent is told too: nothing else would find a stuck video', () => {
  const silent = alarms.filter(({ InsufficientDataActions }) => InsufficientDataActions.length > 0);
  expect(silent.map(nameOf)).toEqual(['stuck-video']);
  expect(silent[0]?.TreatMissingData).toBe('missing');
});

test('who gives an address is told by email, and nobody else', () => {
  expect(ofType('AWS::SNS::Subscription')).toEqual([]);
  const subscribed = ofType('AWS::SNS::Subscription', synthesize({ alarmEmail: 'me@example.org' }));
  expect(subscribed.map(({ Properties }) => Properties)).toMatchObject([
    { Protocol: 'email', Endpoint: 'me@example.org' },
  ]);
});

test('the dashboard shows every metric of the table', () => {
  const [dashboard] = ofType('AWS::CloudWatch::Dashboard');
  const body = String(spell(dashboard?.Properties['DashboardBody']));
  for (const name of Object.keys(METRICS))
    expect(body).toContain(`["${NAMESPACE}","${name}","platform","${platform}"`);
});

test('the dashboard has a line for each code of failures, and for each function that fails', () => {
  const [dashboard] = ofType('AWS::CloudWatch::Dashboard');
  const { widgets } = dashboardSchema.parse(
    JSON.parse(String(spell(dashboard?.Properties['DashboardBody']))),
  );
  const searches = widgets.flatMap(({ properties: { title, metrics } }) =>
    metrics.flatMap(([first]) => {
      const { expression } = searchSchema.safeParse(first).data ?? {};
      return expression === undefined ? [] : [[title?.replace(/:.*/, ''), expression]];
    }),
  );
  // The set of dimensions in the braces must be one that is written, or the search finds nothing.
  const search = (name: MetricName, by: string) =>
    `SEARCH('{${NAMESPACE},platform,${by}} MetricName="${name}" platform="${platform}"', 'Sum', 300)`;
  expect(searches).toEqual([
    ['Failures', search('Failures', 'code')],
    ['FunctionErrors', search('FunctionErrors', 'function')],
  ]);
  const written = Object.keys(METRICS).filter((name) => dimensionSets(name as MetricName).length > 1); // its keys
  expect(written).toEqual(searches.map(([title]) => title));
});

test('the page of operations lists every metric and every alarm with its page', () => {
  const page = readFileSync(join(ROOT, 'docs/operations.md'), 'utf8');
  for (const [name, { unit, meaning }] of Object.entries(METRICS))
    expect(page).toContain(`| \`${name}\` | ${unit} | ${meaning} |`);
  for (const alarm of alarms) expect(page).toContain(`(runbooks/${nameOf(alarm)}.md)`);
});
