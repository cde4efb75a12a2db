/** What the buckets delete, or keep for less, by the owner's settings; by default nothing that anybody would miss. */
import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Lifecycle } from '../../lib/lifecycle.ts';
import { SpotreelStateStack } from '../../lib/state.ts';
import { deployment } from './support/deployment.ts';
import { synthesize, testApp } from './support/template.ts';

const rulesSchema = z.object({
  LifecycleConfiguration: z.object({ Rules: z.array(z.record(z.string(), z.unknown())) }),
});
type Resources = ReturnType<typeof synthesize>;

/** The rules of the upload bucket. */
const rulesOf = (resources: Resources) => {
  const bucket = resources.find(
    ({ Type, id }) => Type === 'AWS::S3::Bucket' && id.includes('StorageUploads'),
  );
  return rulesSchema.parse(bucket?.Properties).LifecycleConfiguration.Rules;
};
const sourceRules = (lifecycle: Lifecycle) =>
  rulesOf(synthesize({ lifecycle })).filter(({ Prefix }) => Prefix === 'uploads/');
const mendIsTold = (lifecycle: Lifecycle): Record<string, string> => {
  const mend = synthesize({ lifecycle }).find(
    ({ Type, id }) => Type === 'AWS::Lambda::Function' && id.includes('Mend'),
  );
  const told = JSON.stringify(mend).matchAll(/"(DELETE_[A-Z_]+_AFTER_DAYS)":"(\d+)"/g);
  return Object.fromEntries([...told].map(([, name, days]) => [name, days]));
};

test('without settings no source, no revision and no job state is ever deleted or moved', () => {
  expect(sourceRules({})).toEqual([]);
  expect(mendIsTold({})).toEqual({});
});

test.each<[Lifecycle, object]>([
  [{ deleteSourcesAfterDays: 90 }, { ExpirationInDays: 90 }],
  [{ coldSourcesAfterDays: 7 }, { Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 7 }] }],
  [
    { coldSourcesAfterDays: 7, deleteSourcesAfterDays: 365 },
    { ExpirationInDays: 365, Transitions: [{ StorageClass: 'GLACIER_IR', TransitionInDays: 7 }] },
  ],
])('%j is one rule of sources', (lifecycle, rule) => {
  expect(sourceRules(lifecycle)).toEqual([{ Prefix: 'uploads/', Status: 'Enabled', ...rule }]);
});

test('parts of uploads that were never completed go when they are told to, and what announced them a day later', () => {
  const rules = rulesOf(synthesize({ lifecycle: { incompleteUploadDays: 1 } }));
  expect(rules[0]).toMatchObject({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } });
  expect(rules).toContainEqual({ Prefix: 'pending/', ExpirationInDays: 2, Status: 'Enabled' });
});

test.each<[Lifecycle, object]>([
  [{ deleteRevisionsAfterDays: 60 }, { DELETE_REVISIONS_AFTER_DAYS: '60' }],
  [{ deleteJobStateAfterDays: 90 }, { DELETE_JOB_STATE_AFTER_DAYS: '90' }],
])('mend is told of %j', (lifecycle, told) => {
  expect(mendIsTold(lifecycle)).toEqual(told);
});

describe('buckets in a stack of their own', () => {
  const LIFECYCLE = { deleteSourcesAfterDays: 90, deleteRevisionsAfterDays: 60 };
  const MEND_IS_TOLD = '"DELETE_REVISIONS_AFTER_DAYS":"60"';
  const platform = (ofState: Lifecycle, props: { lifecycle?: Lifecycle }) => {
    const app = testApp();
    const state = new SpotreelStateStack(app, 'State', { lifecycle: ofState });
    return synthesize({ ...props, state }, app);
  };

  test('have the rules, too', () => {
    const app = testApp();
    const stack = new SpotreelStateStack(app, 'State', { lifecycle: LIFECYCLE });
    const { template } = app.synth().getStackArtifact(stack.artifactId);
    expect(JSON.stringify(template)).toContain('"ExpirationInDays":90,"Prefix":"uploads/"');
  });

  test('tell the platform of them, which goes by the same', () => {
    expect(JSON.stringify(platform(LIFECYCLE, {}))).toContain(MEND_IS_TOLD);
  });

  test.each<[string, Lifecycle, Lifecycle]>([
    ['would have none of the rules', {}, LIFECYCLE],
    ['would have others', LIFECYCLE, { deleteSourcesAfterDays: 90 }],
  ])('refuse a platform by whose settings they %s', (_, ofState, lifecycle) => {
    expect(() => platform(ofState, { lifecycle })).toThrow('lifecycle is not what the state was made with');
  });

  test('may be given the same twice', () => {
    expect(JSON.stringify(platform(LIFECYCLE, { lifecycle: { ...LIFECYCLE } }))).toContain(MEND_IS_TOLD);
  });

  test('have what the CDK context says, and so has the platform', () => {
    const [state, { Resources } = {}] = deployment({ lifecycle: LIFECYCLE });
    expect(JSON.stringify(state?.Resources)).toContain('"ExpirationInDays":90,"Prefix":"uploads/"');
    expect(JSON.stringify(Resources)).toContain(MEND_IS_TOLD);
  });
});

describe('is refused by name:', () => {
  test.each<[string, Lifecycle, string]>([
    [
      'sources that go while they may still be encoded, after a ceiling held them for a month',
      { deleteSourcesAfterDays: 69 },
      'deleteSourcesAfterDays',
    ],
    [
      'revisions that go while their tasks may be queued',
      { deleteRevisionsAfterDays: 14 },
      'deleteRevisionsAfterDays',
    ],
    [
      'job state that goes while tasks of its encode may be queued',
      { deleteJobStateAfterDays: 29 },
      'deleteJobStateAfterDays',
    ],
    [
      'sources that are deleted before they are moved',
      { coldSourcesAfterDays: 90, deleteSourcesAfterDays: 80 },
      'lifecycle.coldSourcesAfterDays: is not before deleteSourcesAfterDays',
    ],
  ])('%s', (_, lifecycle, message) => {
    const builds = [() => synthesize({ lifecycle }), () => deployment({ lifecycle })];
    for (const build of builds) {
      expect(build).toThrow(/^Spotreel cannot be built: lifecycle\./);
      expect(build).toThrow(message);
    }
  });
});
