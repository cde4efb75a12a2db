/** Mistakes in the settings are found at synthesis, and said so that one knows what to write instead. */
import { describe, expect, test } from '@jest/globals';
import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import type { OidcInput } from '../../jobs/environment.ts';
import { deploymentIn, propsFromContext, type SpotreelProps, SpotreelStack } from '../../lib/index.ts';
import { DEFAULT_INSTANCE_TYPES } from '../../lib/instance-types.ts';
import { spell, synthesize, testApp } from './support/template.ts';

const types = (count: number, vcpus: number) =>
  Array.from({ length: count }, (_, index) => ({ type: `c${index}.large`, vcpus }));

describe('a stack with', () => {
  const REFUSED: ReadonlyArray<readonly [name: string, props: SpotreelProps, message: string]> = [
    ['no vCPU', { maxVcpus: 0 }, 'maxVcpus is 0; give a whole number of at least 2'],
    ['half a vCPU', { maxVcpus: 2.5 }, 'maxVcpus is 2.5'],
    ['a debt of on-demand machines', { maxOnDemandVcpus: -1 }, 'maxOnDemandVcpus is -1'],
    ['more on-demand machines than machines', { maxOnDemandVcpus: 5 }, 'from 0 to maxVcpus (4)'],
    ['no time', { turnaround: Duration.seconds(1) }, 'turnaround is 1 seconds'],
    [
      'two turnarounds',
      { encodeSettings: { turnaroundSeconds: 60 } },
      'encodeSettings.turnaroundSeconds is set; give turnaround',
    ],
    ['no architecture', { architectures: [] }, "name 'arm64', 'x86_64' or both"],
    ['an architecture twice', { architectures: ['arm64', 'arm64'] }, 'once each'],
    ['an impatient worker', { idleSeconds: 1 }, 'idleSeconds is 1; give whole seconds from 20'],
    ['a lifetime too short to boot in', { maxLifetime: Duration.minutes(1) }, 'maxLifetime is 60 seconds'],
    ['a disk too small for the system', { rootVolume: Size.gibibytes(8) }, 'rootVolume is 8 GiB'],
    ['no zone', { zones: 0 }, 'zones is 0'],
    ['more zones than any region', { zones: 7 }, 'zones is 7'],
    [
      'too few types',
      { instanceTypes: { arm64: types(5, 2) } },
      'instanceTypes.arm64 has 5 different types of at most maxVcpus (4); spot needs 6',
    ],
    [
      'types that do not fit',
      { instanceTypes: { x86_64: types(6, 8) } },
      'instanceTypes.x86_64 has 0 different',
    ],
    [
      'the same type six times',
      { instanceTypes: { arm64: Array.from({ length: 6 }, () => ({ type: 'c7g.large', vcpus: 2 })) } },
      'has 1 different types',
    ],
    ['too many types', { instanceTypes: { arm64: types(33, 2) } }, 'has 33 types; at most 32'],
    [
      'a type of half a vCPU',
      { instanceTypes: { arm64: [...types(6, 2), { type: 't4g.x', vcpus: 0.5 }] } },
      't4g.x has 0.5 vCPUs',
    ],
    [
      'types that may cost more than its ceilings count',
      {
        instanceTypes: {
          arm64: [...DEFAULT_INSTANCE_TYPES.arm64.slice(0, 6), { type: 'g5g.xlarge', vcpus: 4 }],
        },
      },
      'instanceTypes.arm64 has g5g.xlarge, which may cost more than the spending ceilings count; give prices.dearestVcpuHour',
    ],
    [
      'a family of another architecture, as if it were one of the defaults',
      {
        instanceTypes: {
          arm64: types(6, 2).map(({ vcpus }, index) => ({ type: `c5.${index}xlarge`, vcpus })),
        },
      },
      'instanceTypes.arm64 has c5.0xlarge, c5.1xlarge',
    ],
    ['an unknown encode setting', { encodeSettings: { presett: 'fast' } }, 'encodeSettings'],
    [
      'an issuer without keys',
      { oidc: { issuer: 'https://id.example', audience: 'x', jwksUri: '' } },
      'oidc.jwksUri',
    ],
    ['a quota that lets nothing in', { quota: { videosInFlight: 0 } }, 'quota.videosInFlight'],
    ['a name for an address', { alarmEmail: 'me' }, 'alarmEmail: Invalid email address'],
    ['a page for a site', { corsOrigins: ['https://example.org/page'] }, 'corsOrigins.0: is not an origin'],
    ['no money for a day', { dailyCeiling: 0 }, 'dailyCeiling is 0; give US dollars of at least 0.06'],
    ['a cent less than the smallest machine costs', { monthlyCeiling: 0.05 }, 'monthlyCeiling is 0.05'],
    [
      'less than the smallest machine costs of types of its own',
      { instanceTypes: { arm64: types(6, 4), x86_64: types(6, 4) }, dailyCeiling: 0.1 },
      'dailyCeiling is 0.1; give US dollars of at least 0.11',
    ],
    [
      'less than the smallest machine costs at prices of its own',
      { prices: { dearestVcpuHour: 1 }, dailyCeiling: 1 },
      'dailyCeiling is 1; give US dollars of at least 1.01',
    ],
    ['endless money for a month', { monthlyCeiling: Number.POSITIVE_INFINITY }, 'monthlyCeiling is Infinity'],
    ['a price below nothing', { prices: { s3Month: -1 } }, 'prices.s3Month: '],
    ['a wrong encode setting', { encodeSettings: { preset: 'warp' } }, 'encodeSettings.preset'],
  ];

  test.each(REFUSED)('%s is refused', (_, props, message) => {
    expect(() => new SpotreelStack(testApp(), 'Spotreel', props)).toThrow(message);
  });

  test('a ceiling that pays for half an hour of its smallest machine is taken', () => {
    expect(() => synthesize({ dailyCeiling: 0.06 })).not.toThrow();
  });

  test('other sizes of the default families need no price of their own', () => {
    const sizes = ['medium', 'large', 'xlarge', '2xlarge', '12xlarge', '16xlarge'];
    const arm64 = sizes.map((size) => ({ type: `c7g.${size}`, vcpus: 2 }));
    expect(() => synthesize({ architectures: ['arm64'], instanceTypes: { arm64 } })).not.toThrow();
  });

  test('two mistakes is told of both', () => {
    expect(() => new SpotreelStack(testApp(), 'Spotreel', { maxVcpus: 0, zones: 9 })).toThrow(
      /maxVcpus is 0.*zones is 9/,
    );
  });

  test('one architecture has one launch template', () => {
    const templates = synthesize({ architectures: ['arm64'], zones: 2 }).filter(
      ({ Type }) => Type === 'AWS::EC2::LaunchTemplate',
    );
    expect(templates).toHaveLength(1);
  });

  test('as many types as are allowed still has an environment that Lambda takes', () => {
    const many = (family: string) =>
      Array.from({ length: 32 }, (_, index) => ({ type: `${family}${index + 10}.24xlarge`, vcpus: 2 }));
    const [dispatch] = synthesize({
      instanceTypes: { arm64: many('c8gd'), x86_64: many('c7id') },
      prices: { dearestVcpuHour: 0.06 },
      zones: 6,
    }).filter(({ id, Type }) => Type === 'AWS::Lambda::Function' && id.includes('Dispatch'));
    expect(JSON.stringify(spell(dispatch?.Properties['Environment'])).length).toBeLessThan(4096);
  });

  test('RemovalPolicy.DESTROY keeps nothing', () => {
    const buckets = synthesize({ removalPolicy: RemovalPolicy.DESTROY }).filter(
      ({ Type }) => Type === 'AWS::S3::Bucket',
    );
    expect(buckets.map(({ DeletionPolicy }) => DeletionPolicy)).toEqual(['Delete', 'Delete', 'Delete']);
  });
});

test('the default types are six of each size and architecture, the smallest within a new account’s quota', () => {
  for (const table of Object.values(DEFAULT_INSTANCE_TYPES)) {
    const near = (size: number) => table.filter(({ vcpus }) => vcpus >= size && vcpus < 1.5 * size);
    for (const size of [2, 4, 8, 16, 32]) expect(near(size)).toHaveLength(6);
  }
});

describe('the CDK context', () => {
  const READ: ReadonlyArray<readonly [context: Record<string, unknown>, props: SpotreelProps]> = [
    [{ alarmEmail: 'me@example.org' }, { alarmEmail: 'me@example.org' }],
    [{ lifecycle: '{"coldSourcesAfterDays":7}' }, { lifecycle: { coldSourcesAfterDays: 7 } }],
    [{}, {}],
    [{ maxVcpus: '64' }, { maxVcpus: 64 }],
    [{ prebakedImage: 'true' }, { prebakedImage: true }],
    [{ maxVcpus: 64 }, { maxVcpus: 64 }],
    [{ maxOnDemandVcpus: '8' }, { maxOnDemandVcpus: 8 }],
    [{ turnaroundSeconds: '600' }, { turnaround: Duration.seconds(600) }],
    [{ architectures: 'arm64' }, { architectures: ['arm64'] }],
    [{ architectures: ['x86_64'] }, { architectures: ['x86_64'] }],
    [
      { instanceTypes: '{"arm64":[{"type":"c9g.large","vcpus":2}]}' },
      { instanceTypes: { arm64: [{ type: 'c9g.large', vcpus: 2 }] } },
    ],
    [
      { idleSeconds: '300', zones: '6' },
      { idleSeconds: 300, zones: 6 },
    ],
    [{ maxLifetimeMinutes: '90' }, { maxLifetime: Duration.minutes(90) }],
    [{ rootVolumeGib: '40' }, { rootVolume: Size.gibibytes(40) }],
    [{ encodeSettings: '{"preset":"medium"}' }, { encodeSettings: { preset: 'medium' } }],
    [{ oidc: '{"audience":"spotreel"}' }, { oidc: { audience: 'spotreel' } as OidcInput }], // checked with all settings
    [
      { corsOrigins: 'https://a.example,https://b.example' },
      { corsOrigins: ['https://a.example', 'https://b.example'] },
    ],
    [{ bytesADay: '5e9' }, { quota: { bytesADay: 5e9 } }],
    [{ removalPolicy: 'destroy' }, { removalPolicy: RemovalPolicy.DESTROY }],
    [{ priceClass: 'all' }, { priceClass: PriceClass.PRICE_CLASS_ALL }],
    [{ priceClass: 200 }, { priceClass: PriceClass.PRICE_CLASS_200 }],
  ];

  test.each(READ)('%j', (context, props) => {
    expect(propsFromContext(testApp(context).node)).toEqual(props);
  });

  test.each([
    [{ maxVcpus: 'many' }, 'maxVcpus: is not JSON: many'],
    [{ architectures: 'arm' }, 'architectures'],
    [{ removalPolicy: 'keep' }, 'removalPolicy'],
    [{ maxOnDemandVcpus: 'yes' }, 'maxOnDemandVcpus'],
    [{ prebakedImage: 'yes' }, 'prebakedImage: is not JSON: yes'],
  ])('%j is refused by name', (context, message) => {
    expect(() => propsFromContext(testApp(context).node)).toThrow(message);
  });

  test('a mistyped name is refused, not passed over', () => {
    const app = testApp({ dailyCieling: '5', 'cli-telemetry': false });
    expect(() => deploymentIn(app)).toThrow('dailyCieling is no setting; docs/deploying.md has them all');
  });
});
