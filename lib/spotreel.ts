/** The platform as one construct, for any CDK app. */
import { Duration, Names, RemovalPolicy, Size, Stack, Tags } from 'aws-cdk-lib';
import { PriceClass } from 'aws-cdk-lib/aws-cloudfront';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type OidcInput, PLATFORM_TAG, type Quota } from '../jobs/environment.ts';
import { DEPLOYED } from '../jobs/platform.ts';
import type { OwnPrices } from '../video/prices.ts';
import { Alarms } from './alarms.ts';
import { Api } from './api.ts';
import { Budget } from './budget.ts';
import { Bury } from './bury.ts';
import { Dashboard } from './dashboard.ts';
import { Dispatch } from './dispatch.ts';
import type { Domain } from './domain.ts';
import { type Architecture, DEFAULT_INSTANCE_TYPES, type WorkerType } from './instance-types.ts';
import type { Lifecycle } from './lifecycle.ts';
import { Live } from './live.ts';
import { Mend } from './mend.ts';
import { Network } from './network.ts';
import { Notify } from './notify.ts';
import { Pages } from './pages.ts';
import { Playback } from './playback.ts';
import { checkSettings } from './settings.ts';
import { type State, stateIn } from './state.ts';
import { Sweep } from './sweep.ts';
import type { SpotreelWebAclStack } from './web-acl.ts';
import { WorkerFleet } from './worker-fleet.ts';

/** Enough for a person's work, and an end to what a token in wrong hands can cost. */
const DEFAULT_QUOTA: Quota = { videosInFlight: 250, bytesADay: 1024 ** 4 };

export interface SpotreelProps {
  /**
   * vCPUs of workers that may run at once. A new account's quota is 5, for spot and for on-demand alike.
   *
   * @default 4
   */
  readonly maxVcpus?: number;

  /**
   * vCPUs of on-demand machines, among `maxVcpus`, that may run at once. They are asked for where spot has too few
   * machines, and cost about three times as much. The spending ceilings count each at `prices.dearestVcpuHour`.
   *
   * @default 0
   */
  readonly maxOnDemandVcpus?: number;

  /**
   * Time within which a video should be ready, as far as `maxVcpus` allows: the shorter, the more machines at once,
   * for about the same sum. A machine's boot, about a minute, comes on top.
   *
   * @default Duration.minutes(5)
   */
  readonly turnaround?: Duration;

  /**
   * CPU architectures of the workers. Two have more spot pools to choose from than one.
   *
   * @default ['arm64', 'x86_64']
   */
  readonly architectures?: readonly Architecture[];

  /**
   * Instance types that may be launched, by architecture; at least six each that `maxVcpus` has room for. With other
   * families than the default ones give `prices.dearestVcpuHour`, too: the spending ceilings count by it.
   *
   * @default - large to 8xlarge of six compute families each
   */
  readonly instanceTypes?: Readonly<Partial<Record<Architecture, readonly WorkerType[]>>>;

  /**
   * Seconds without a task after which a worker ends. Longer saves the next video a boot, and costs that time.
   *
   * @default 120
   */
  readonly idleSeconds?: number;

  /**
   * Time after which a worker's machine terminates whatever it is doing: what a fault can cost at most.
   *
   * @default Duration.hours(24)
   */
  readonly maxLifetime?: Duration;

  /**
   * Size of a worker's disk: the system, and a few chunks in work.
   *
   * @default Size.gibibytes(20)
   */
  readonly rootVolume?: Size;

  /**
   * Has EC2 Image Builder make machine images that have ffmpeg, Node and the worker in them, for machines that boot
   * faster. A deployment takes some ten minutes longer when it makes them, and their snapshots bill by the month
   * (docs/cost.md).
   *
   * @default false
   */
  readonly prebakedImage?: boolean;

  /**
   * Availability zones to launch in: more zones, more spot pools. us-east-1 has 6, most regions 3, us-west-1 2;
   * deployment fails where the region has fewer. Of no meaning in a `vpc` of one's own, whose subnets say which zones.
   *
   * @default 3
   */
  readonly zones?: number;

  /**
   * A VPC of one's own for the workers, which must have a way out for them: docs/deploying.md says to where. Then none is
   * made, nor anything in it but the workers' security group.
   *
   * @default - one is made, with public subnets in `zones` zones and S3's gateway endpoint
   */
  readonly vpc?: IVpc;

  /**
   * Which of its subnets workers run in; of each zone the first. Public ones must assign public addresses.
   *
   * @default - the private ones that have a way out; where there are none, the public ones
   */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Encode settings that differ from the defaults, see `video/settings.ts`.
   *
   * @default {}
   */
  readonly encodeSettings?: Readonly<Record<string, unknown>>;

  /**
   * An OpenID Connect issuer whose tokens the API takes besides its own (docs/api.md).
   *
   * @default - none
   */
  readonly oidc?: OidcInput;

  /**
   * What each caller of the API may use: each token, and each person of the issuer. Who exceeds it hears 429.
   *
   * @default - 250 videos in flight, 1 TiB a day
   */
  readonly quota?: Partial<Quota>;

  /**
   * US dollars a day, by UTC, that machines may cost. At the ceiling they end and the queue waits, until the next day or
   * `spotreel resume`.
   *
   * @default 10
   */
  readonly dailyCeiling?: number;

  /**
   * The same a month. An AWS Budget of as much watches the whole bill.
   *
   * @default 100
   */
  readonly monthlyCeiling?: number;

  /**
   * Prices in US dollars that differ from the list's, by the names in `video/prices.ts`. Costs are told by them.
   *
   * @default {}
   */
  readonly prices?: OwnPrices;

  /**
   * Sites whose pages may call the API besides the platform's own: `https://example.org`.
   *
   * @default []
   */
  readonly corsOrigins?: readonly string[];

  /**
   * Buckets, queues and the edge's store in a stack of their own, which outlives this one: `new SpotreelStateStack(app, 'VideoState')`.
   *
   * @default - they are made beside the rest
   */
  readonly state?: State;

  /**
   * What is deleted, or kept for less, after how many days (docs/lifecycle.md). Where `state` is a stack of its own, give it
   * to that, and leave it out here.
   *
   * @default - what `state` was given; without, parts of uploads that were never completed go after 1 day, and nothing else does
   */
  readonly lifecycle?: Lifecycle;

  /**
   * Who is told of alarms by email; AWS asks them to confirm. Others may subscribe to `alarmTopic`.
   *
   * @default - nobody
   */
  readonly alarmEmail?: string;

  /**
   * What becomes of both buckets that are made beside the rest, when the stack is deleted. DESTROY deletes every upload
   * and every video.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * Where CloudFront serves from; viewers elsewhere are served too, from further away.
   *
   * @default PriceClass.PRICE_CLASS_100
   */
  readonly priceClass?: PriceClass;

  /**
   * A name of one's own, and the ARN of its certificate in us-east-1. Let the name point at the distribution (CNAME or
   * alias); links then outlast the distribution.
   *
   * @default - CloudFront's own name
   */
  readonly domain?: Domain;

  /**
   * A web ACL of AWS WAF before pages, API and videos, which bills by the month: `new SpotreelWebAclStack(app, 'VideoWebAcl')`,
   * or the ARN of one of one's own, of the scope CLOUDFRONT.
   *
   * @default - none
   */
  readonly webAcl?: string | SpotreelWebAclStack;
}

export class Spotreel extends Construct {
  /** Where sources go, under `uploads/`. */
  readonly uploadBucket: s3.IBucket;
  /** Where published videos are. */
  readonly productionBucket: s3.IBucket;
  readonly tasksQueue: sqs.IQueue;
  /** Hears of every alarm. */
  readonly alarmTopic: sns.ITopic;
  /** Host name of the pages and the videos. */
  readonly playbackDomain: string;
  /** CloudFront's own name, which a domain of one's own points at. */
  readonly distributionDomain: string;
  /** Where the API's tokens are kept in SSM's Parameter Store. */
  readonly apiParameters: string;

  constructor(scope: Construct, id: string, props: SpotreelProps = {}) {
    super(scope, id);
    const turnaround = props.turnaround ?? Duration.minutes(5);
    const settings = {
      maxVcpus: props.maxVcpus ?? DEPLOYED.maxVcpus,
      maxOnDemandVcpus: props.maxOnDemandVcpus ?? DEPLOYED.maxOnDemandVcpus,
      turnaround,
      architectures: props.architectures ?? (['arm64', 'x86_64'] as const),
      instanceTypes: { ...DEFAULT_INSTANCE_TYPES, ...props.instanceTypes },
      idleSeconds: props.idleSeconds ?? 120,
      maxLifetime: props.maxLifetime ?? Duration.hours(24),
      rootVolume: props.rootVolume ?? Size.gibibytes(20),
      prebakedImage: props.prebakedImage ?? false,
      zones: props.zones,
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      encodeSettings: { turnaroundSeconds: turnaround.toSeconds(), ...props.encodeSettings },
      oidc: props.oidc,
      corsOrigins: props.corsOrigins ?? [],
      quota: { ...DEFAULT_QUOTA, ...props.quota },
      alarmEmail: props.alarmEmail,
      state: props.state,
      lifecycle: props.lifecycle ?? props.state?.lifecycle ?? {},
      prices: props.prices ?? {},
      dailyCeiling: props.dailyCeiling ?? 10,
      monthlyCeiling: props.monthlyCeiling ?? 100,
      priceClass: props.priceClass ?? PriceClass.PRICE_CLASS_100,
      domain: props.domain,
      webAcl: props.webAcl,
    };
    checkSettings(settings);

    const platform = Names.uniqueResourceName(this, { maxLength: 64, separator: '-' });
    const liveTopics = `spotreel/${platform}`;
    const network = new Network(this, 'Network', settings);
    const { queues, storage, edgeStore } =
      props.state ?? stateIn(this, props.removalPolicy ?? RemovalPolicy.RETAIN, settings.lifecycle);
    const fleet = new WorkerFleet(this, 'Workers', {
      ...settings,
      platform,
      network,
      queues,
      storage,
      liveTopics,
    });
    const launcher = { ...settings, platform, network, queues, storage, liveTopics, fleet };
    new Dispatch(this, 'Dispatch', launcher);
    new Sweep(this, 'Sweep', launcher);
    new Bury(this, 'Bury', launcher);
    new Mend(this, 'Mend', { ...launcher, edgeStore });
    const parameters = `/spotreel/${platform}`;
    const live = new Live(this, 'Live', { platform, liveTopics, parameters });
    new Notify(this, 'Notify', { platform, parameters, storage, queues });
    const api = new Api(this, 'Api', {
      ...settings,
      platform,
      parameters,
      storage,
      queues,
      liveTopics,
      live,
      edgeStore,
    });
    const pages = new Pages(this, 'Pages');
    const playback = new Playback(this, 'Playback', {
      ...settings,
      production: storage.production,
      pages: pages.bucket,
      edgeStore: edgeStore.store,
      webAclArn: arnOf(props.webAcl, this),
      api: api.domain,
      connect: [`https://${storage.uploads.bucketRegionalDomainName}`, live.origin],
    });

    const alarms = new Alarms(this, 'Alarms', {
      platform,
      queues,
      api: api.httpApi,
      email: settings.alarmEmail,
    });
    new Dashboard(this, 'Dashboard', { platform, alarms, queues });
    new Budget(this, 'Budget', { ...settings, platform, topic: alarms.topic });
    // By it, the bill can be taken apart.
    Tags.of(this).add(PLATFORM_TAG, platform);
    const firewall = typeof props.webAcl === 'object' ? [props.webAcl] : [];
    for (const part of [storage, queues, ...firewall]) Tags.of(part).add(PLATFORM_TAG, platform);

    this.uploadBucket = storage.uploads;
    this.productionBucket = storage.production;
    this.tasksQueue = queues.tasks;
    this.alarmTopic = alarms.topic;
    this.playbackDomain = props.domain?.name ?? playback.distribution.distributionDomainName;
    this.distributionDomain = playback.distribution.distributionDomainName;
    this.apiParameters = parameters;
  }
}

/** A web ACL as CloudFront is told of it. */
const arnOf = (webAcl: SpotreelProps['webAcl'], consumer: Construct): string | undefined =>
  typeof webAcl === 'object' ? webAcl.arnFor(Stack.of(consumer)) : webAcl;
