/**
 * CloudFront: `/v/*`, and `/t/*` with a token, are the videos of the production bucket, behind a function that asks the key-value
 * store which are private; `/api/*` is the API, everything else the pages. What is
 * cached for how long is said by the objects themselves (`CACHE_CONTROL`); of the API nothing is.
 */
import { Duration, Validations } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin, S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { VIDEOS_PREFIX } from '../jobs/names.ts';
import {
  CONTENT_TYPES,
  type CorsRule,
  contentSecurityPolicy,
  EMBED_PATH,
  ORIGIN_HEADER,
  PLAYBACK_CORS,
  STRICT_TRANSPORT_SECONDS,
} from '../jobs/platform.ts';
import { TOKEN_PATH } from '../jobs/token-path.ts';
import { guardSource, rewriteSource } from '../web/files.ts';
import { accountName } from './account-name.ts';
import type { Domain } from './domain.ts';

/**
 * Errors that CloudFront would keep for ten seconds, whatever a behaviour's cache policy says: a video may be published
 * at any moment, and what the API refuses one caller it may grant the next.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
 */
const KEPT_ERRORS = [400, 403, 404, 405, 414, 500, 501, 502, 503, 504];

export interface PlaybackProps {
  readonly production: s3.IBucket;
  readonly pages: s3.IBucket;
  /** Which videos are private, and the keys of tokens for them. */
  readonly edgeStore: cloudfront.IKeyValueStore;
  /** Host name of the API. */
  readonly api: string;
  /** Origins that the pages speak with besides their own. */
  readonly connect: readonly string[];
  readonly priceClass: cloudfront.PriceClass;
  readonly domain: Domain | undefined;
  readonly webAclArn: string | undefined;
}

/** What the headers of a behaviour say. */
interface Headers {
  readonly comment: string;
  readonly connect: readonly string[];
  readonly cors?: CorsRule;
  /** Whether other sites may show the page in a frame. */
  readonly isFramed?: boolean;
}

export class Playback extends Construct {
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, props: PlaybackProps) {
    super(scope, id);
    const { production, pages, edgeStore, api, connect, priceClass, domain, webAclArn } = props;
    const shared = { viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS };
    const own = {
      ...shared,
      responseHeadersPolicy: this.#headers('Headers', {
        comment: 'Spotreel: pages are kept to themselves',
        connect,
      }),
    };
    const text = {
      compress: true,
      cachePolicy: this.#cachePolicy('TextCache', 'Compressed; kept as long as Cache-Control says', true),
    };
    // Media does not compress; without Accept-Encoding in the key, a segment is cached once, not once an encoding.
    const media = {
      compress: false,
      cachePolicy: this.#cachePolicy('MediaCache', 'Kept as long as Cache-Control says', false),
    };
    // Preflights are answered by the bucket, which must hear what they ask.
    const video = {
      ...shared,
      responseHeadersPolicy: this.#headers('VideoHeaders', {
        comment: 'Spotreel: any player may read',
        connect,
        cors: PLAYBACK_CORS,
      }),
      // The bucket itself lets CloudFront in (lib/storage.ts). No path leads to its listing.
      origin: S3BucketOrigin.withBucketDefaults(production, {
        originAccessControlId: this.#access('VideoAccess').originAccessControlId,
      }),
      allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
      originRequestPolicy: cloudfront.OriginRequestPolicy.CORS_S3_ORIGIN,
      functionAssociations: [
        this.#function('Guard', 'Spotreel: private videos play by tokens alone', guardSource(), edgeStore),
      ],
    };

    const page = {
      ...own,
      ...text,
      origin: S3BucketOrigin.withOriginAccessControl(pages, {
        originAccessControl: this.#access('PagesAccess'),
      }),
      functionAssociations: [
        this.#function(
          'Rewrite',
          'Spotreel: /watch is watch.html, and what is no page is a 404',
          rewriteSource(),
        ),
      ],
    };

    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: 'Spotreel: playback',
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      priceClass,
      ...(webAclArn !== undefined && { webAclId: webAclArn }),
      ...(domain && {
        domainNames: [domain.name],
        certificate: Certificate.fromCertificateArn(this, 'Certificate', domain.certificateArn),
        minimumProtocolVersion: cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
      defaultBehavior: page,
      additionalBehaviors: {
        ...Object.fromEntries(
          [`/${VIDEOS_PREFIX}`, TOKEN_PATH].flatMap((path) => [
            ...MEDIA_SUFFIXES.map((suffix) => [`${path}*${suffix}`, { ...media, ...video }]),
            [`${path}*`, { ...text, ...video }],
          ]),
        ),
        [`${EMBED_PATH}*`]: {
          ...page,
          responseHeadersPolicy: this.#headers('EmbedHeaders', {
            comment: 'Spotreel: any page may show the player in a frame',
            connect,
            isFramed: true,
          }),
        },
        '/api/*': {
          ...own,
          origin: new HttpOrigin(api),
          allowedMethods: cloudfront.AllowedMethods.ALLOW_ALL,
          cachePolicy: cloudfront.CachePolicy.CACHING_DISABLED,
          originRequestPolicy: cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
          functionAssociations: [
            this.#function('TellOrigin', 'Spotreel: tells the API by which origin it was asked', TELL_ORIGIN),
          ],
        },
      },
      errorResponses: KEPT_ERRORS.map((httpStatus) => ({ httpStatus, ttl: Duration.seconds(0) })),
    });
    Validations.of(this.distribution).acknowledge(...ACKNOWLEDGED);
  }

  #access(id: string): cloudfront.S3OriginAccessControl {
    return new cloudfront.S3OriginAccessControl(this, id, { originAccessControlName: accountName(this, id) });
  }

  #cachePolicy(id: string, comment: string, compression: boolean): cloudfront.CachePolicy {
    return new cloudfront.CachePolicy(this, id, {
      comment,
      minTtl: Duration.seconds(0),
      defaultTtl: Duration.seconds(0),
      maxTtl: Duration.days(365),
      enableAcceptEncodingBrotli: compression,
      enableAcceptEncodingGzip: compression,
    });
  }

  /** A function that changes requests before they are looked up. */
  #function(
    id: string,
    comment: string,
    source: string,
    keyValueStore?: cloudfront.IKeyValueStore,
  ): cloudfront.FunctionAssociation {
    const made = new cloudfront.Function(this, id, {
      comment,
      runtime: cloudfront.FunctionRuntime.JS_2_0,
      code: cloudfront.FunctionCode.fromInline(source),
      ...(keyValueStore && { keyValueStore }),
    });
    // By the ARN alone CloudFormation begins before the store can be used, and a first deployment may fail
    // (aws-solutions-library-samples/secure-media-delivery-at-the-edge-on-aws#37).
    if (keyValueStore) made.node.addDependency(keyValueStore);
    return { eventType: cloudfront.FunctionEventType.VIEWER_REQUEST, function: made };
  }

  /** `securityHeaders` or `embedHeaders`, and CORS where any page may read, in CloudFront's words. */
  #headers(
    id: string,
    { comment, connect, cors, isFramed = false }: Headers,
  ): cloudfront.ResponseHeadersPolicy {
    const override = true;
    const policy = contentSecurityPolicy(connect, isFramed ? '*' : "'none'");
    return new cloudfront.ResponseHeadersPolicy(this, id, {
      responseHeadersPolicyName: accountName(this, id),
      comment,
      ...(cors && {
        corsBehavior: {
          accessControlAllowCredentials: false,
          accessControlAllowHeaders: [...cors.allowedHeaders],
          accessControlAllowMethods: [...cors.allowedMethods],
          accessControlAllowOrigins: [...cors.allowedOrigins],
          accessControlExposeHeaders: [...cors.exposedHeaders],
          accessControlMaxAge: Duration.seconds(cors.maxAgeSeconds),
          originOverride: override,
        },
      }),
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy: policy, override },
        contentTypeOptions: { override },
        ...(!isFramed && { frameOptions: { frameOption: cloudfront.HeadersFrameOption.DENY, override } }),
        referrerPolicy: { referrerPolicy: cloudfront.HeadersReferrerPolicy.SAME_ORIGIN, override },
        strictTransportSecurity: {
          accessControlMaxAge: Duration.seconds(STRICT_TRANSPORT_SECONDS),
          override,
        },
      },
    });
  }
}

/** Only CloudFront knows by which of its names a viewer asked: the API is asked by its own. */
const TELL_ORIGIN = `function handler(event) {
  const request = event.request;
  request.headers['${ORIGIN_HEADER}'] = { value: 'https://' + request.headers.host.value };
  return request;
}`;

const MEDIA_SUFFIXES = CONTENT_TYPES.filter(({ type }) => /^(audio|video)\//.test(type)).map(
  ({ suffix }) => suffix,
);

const ACKNOWLEDGED = [
  { id: 'AwsSolutions-CFR1', reason: 'Who may watch from where is the owner’s to say, not the platform’s.' },
  {
    id: 'AwsSolutions-CFR2',
    reason:
      'A firewall bills by the month while idle: it is an option (webAcl). What is behind holds without: files, a function that checks tokens, an API that throttles and asks for tokens.',
  },
  {
    id: 'AwsSolutions-CFR3',
    reason: 'Access logs would be one more bucket, which grows and bills while idle.',
  },
  {
    id: 'AwsSolutions-CFR4',
    reason:
      'CloudFront’s own certificate leaves no choice of TLS version; that comes with a domain of one’s own.',
  },
];
