/** What the construct's settings must satisfy, checked before anything is made. */
import { isDeepStrictEqual } from 'node:util';
import type { Duration, Size, Stack } from 'aws-cdk-lib';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { z } from 'zod';
import { MIN_INSTANCE_TYPES } from '../jobs/capacity.ts';
import { type OidcInput, oidcSchema, originSchema, type Quota, quotaSchema } from '../jobs/environment.ts';
import { leastCeiling } from '../jobs/ledger.ts';
import { LIST_PRICES, type OwnPrices, pricesSchema } from '../video/prices.ts';
import { encodeSettingsSchema } from '../video/settings.ts';
import { type Domain, domainSchema, webAclArnSchema } from './domain.ts';
import { type Architecture, isOfListPrice, MAX_INSTANCE_TYPES, type WorkerType } from './instance-types.ts';
import { type Lifecycle, lifecycleSchema } from './lifecycle.ts';
import { misfits, refuse } from './misfits.ts';
import type { State } from './state.ts';

export interface CheckedSettings {
  readonly maxVcpus: number;
  readonly maxOnDemandVcpus: number;
  readonly turnaround: Duration;
  readonly architectures: readonly Architecture[];
  readonly instanceTypes: Readonly<Record<Architecture, readonly WorkerType[]>>;
  readonly idleSeconds: number;
  readonly maxLifetime: Duration;
  readonly rootVolume: Size;
  readonly zones: number | undefined;
  readonly vpc: IVpc | undefined;
  readonly vpcSubnets: SubnetSelection | undefined;
  readonly encodeSettings: Readonly<Record<string, unknown>>;
  readonly oidc: OidcInput | undefined;
  readonly corsOrigins: readonly string[];
  readonly quota: Quota;
  readonly domain: Domain | undefined;
  readonly webAcl: string | Stack | undefined;
  readonly state: State | undefined;
  readonly lifecycle: Lifecycle;
  readonly alarmEmail: string | undefined;
  readonly prices: OwnPrices;
  readonly dailyCeiling: number;
  readonly monthlyCeiling: number;
}

const isWhole = (value: number, min: number, max: number) =>
  Number.isInteger(value) && value >= min && value <= max;

/** The least ceiling, in whole cents: less would not pay for half an hour of the smallest machine, and so for none. */
function leastOf(settings: CheckedSettings): number {
  const { architectures, instanceTypes, maxVcpus, prices, rootVolume } = settings;
  const vcpus = architectures.flatMap((name) => instanceTypes[name].map((type) => type.vcpus));
  const smallest = Math.min(maxVcpus, ...vcpus);
  // Wrong prices are told of by themselves.
  const own = pricesSchema.safeParse(prices).data ?? LIST_PRICES;
  return (
    Math.ceil(leastCeiling({ prices: own, diskGigabytes: rootVolume.toGibibytes() }, smallest) * 100) / 100
  );
}

/** Every problem that the settings have, as sentences. */
function problemsOf(settings: CheckedSettings): string[] {
  const { maxVcpus, maxOnDemandVcpus, architectures, idleSeconds, dailyCeiling, monthlyCeiling } = settings;
  const { zones, vpc, vpcSubnets, state, lifecycle } = settings;
  const turnaround = settings.turnaround.toSeconds();
  const lifetime = settings.maxLifetime.toSeconds();
  const gibibytes = settings.rootVolume.toGibibytes();
  const least = leastOf(settings);
  const rules: ReadonlyArray<readonly [holds: boolean, problem: string]> = [
    [isWhole(maxVcpus, 2, 100_000), `maxVcpus is ${maxVcpus}; give a whole number of at least 2`],
    [
      isWhole(maxOnDemandVcpus, 0, maxVcpus),
      `maxOnDemandVcpus is ${maxOnDemandVcpus}; give a whole number from 0 to maxVcpus (${maxVcpus})`,
    ],
    [isWhole(turnaround, 30, 86_400), `turnaround is ${turnaround} seconds; give from 30 seconds to a day`],
    [
      settings.encodeSettings['turnaroundSeconds'] === turnaround,
      'encodeSettings.turnaroundSeconds is set; give turnaround, which is the same for plans and machines',
    ],
    [
      architectures.length > 0 && new Set(architectures).size === architectures.length,
      `architectures is [${architectures.join(', ')}]; name 'arm64', 'x86_64' or both, once each`,
    ],
    [isWhole(idleSeconds, 20, 86_400), `idleSeconds is ${idleSeconds}; give whole seconds from 20 to 86400`],
    [
      isWhole(lifetime, 600, 30 * 86_400),
      `maxLifetime is ${lifetime} seconds; give from 10 minutes to 30 days`,
    ],
    [
      isWhole(gibibytes, 12, 16_384),
      `rootVolume is ${gibibytes} GiB; give from 12 (the system takes 8) to 16384`,
    ],
    ...Object.entries({ dailyCeiling, monthlyCeiling }).map(
      ([name, usd]) =>
        [
          Number.isFinite(usd) && usd >= least,
          `${name} is ${usd}; give US dollars of at least ${least}, which pay for half an hour of the smallest machine`,
        ] as const,
    ),
    [zones === undefined || isWhole(zones, 1, 6), `zones is ${zones}; give a whole number from 1 to 6`],
    [
      zones === undefined || vpc === undefined,
      `zones is ${zones} beside a vpc; leave zones out, for the subnets say which zones workers run in`,
    ],
    [
      state === undefined || isDeepStrictEqual(lifecycle, state.lifecycle),
      'lifecycle is not what the state was made with; give it to the SpotreelStateStack alone, which tells the platform',
    ],
    [vpcSubnets === undefined || vpc !== undefined, 'vpcSubnets is given without a vpc; give the vpc, too'],
    ...architectures.flatMap((name) => typeRules(name, settings.instanceTypes[name], maxVcpus)),
    ...architectures.flatMap((name) => priceRules(name, settings.instanceTypes[name], settings.prices)),
  ];
  return [
    ...rules.flatMap(([holds, problem]) => (holds ? [] : [problem])),
    ...misfits('encodeSettings', encodeSettingsSchema, settings.encodeSettings),
    ...misfits('oidc', oidcSchema.optional(), settings.oidc),
    ...misfits('lifecycle', lifecycleSchema, settings.lifecycle),
    ...misfits('alarmEmail', z.email().optional(), settings.alarmEmail),
    ...misfits('quota', quotaSchema, settings.quota),
    ...misfits('prices', pricesSchema, settings.prices),
    ...misfits('domain', domainSchema.optional(), settings.domain),
    ...(typeof settings.webAcl === 'string' ? misfits('webAcl', webAclArnSchema, settings.webAcl) : []),
    ...misfits('corsOrigins', originSchema.array(), settings.corsOrigins),
  ];
}

function typeRules(architecture: Architecture, types: readonly WorkerType[], maxVcpus: number) {
  const name = `instanceTypes.${architecture}`;
  const fitting = new Set(types.filter(({ vcpus }) => vcpus <= maxVcpus).map(({ type }) => type)).size;
  return [
    [
      types.length <= MAX_INSTANCE_TYPES,
      `${name} has ${types.length} types; at most ${MAX_INSTANCE_TYPES} fit into a Lambda's environment`,
    ],
    [
      fitting >= MIN_INSTANCE_TYPES,
      `${name} has ${fitting} different types of at most maxVcpus (${maxVcpus}); spot needs ${MIN_INSTANCE_TYPES} to choose from`,
    ],
    ...types.map(
      ({ type, vcpus }) =>
        [isWhole(vcpus, 1, 1024), `${name}: ${type} has ${vcpus} vCPUs; give a whole number`] as const,
    ),
  ] as const;
}

/** The ceilings count what nobody tells the price of, on-demand machines above all, at `dearestVcpuHour`. */
function priceRules(architecture: Architecture, types: readonly WorkerType[], prices: OwnPrices) {
  const strange = types.map(({ type }) => type).filter((type) => !isOfListPrice(architecture, type));
  return [
    [
      strange.length === 0 || prices.dearestVcpuHour !== undefined,
      `instanceTypes.${architecture} has ${strange.join(', ')}, which may cost more than the spending ceilings count; give prices.dearestVcpuHour: what a vCPU and hour of your dearest type costs on demand`,
    ],
  ] as const;
}

/** Throws one `Error` that lists every problem of the settings. */
export function checkSettings(settings: CheckedSettings): void {
  refuse(problemsOf(settings));
}
