/**
 * CloudFront: `v/*` are the videos of the production bucket, everything else the pages. What is cached for
 * how long is said by the objects themselves (`CACHE_CONTROL`).
 */
import { Duration, Validations } from 'aws-cdk-lib';
import * as cloudfront from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { VIDEOS_PREFIX } from '../jobs/names.ts';
import {
  CONTENT_SECURITY_POLICY,
  CONTENT_TYPES,
  PLAYBACK_CORS,
  STRICT_TRANSPORT_SECONDS,
} from '../jobs/platform.ts';
import { NOT_FOUND_PATH, REWRITE_FILE } from '../web/files.ts';

/** Seconds for which "not there" is remembered: a video may be published at any moment. */
const NOT_FOUND_SECONDS = 5;

export interface PlaybackProps {
  readonly production: s3.IBucket;
  readonly pages: s3.IBucket;
  readonly priceClass: cloudfront.PriceClass;
}

export class Playback extends Construct {
  readonly distribution: cloudfront.Distribution;

  constructor(scope: Construct, id: string, { production, pages, priceClass }: PlaybackProps) {
    super(scope, id);
    const shared = {
      viewerProtocolPolicy: cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      responseHeadersPolicy: this.#headers(),
    };
    const text = {
      ...shared,
      compress: true,
      cachePolicy: this.#cachePolicy('TextCache', 'Compressed; kept as long as Cache-Control says', true),
    };
    // Media does not compress; without Accept-Encoding in the key, a segment is cached once, not once an encoding.
    const media = {
      ...shared,
      compress: false,
      cachePolicy: this.#cachePolicy('MediaCache', 'Kept as long as Cache-Control says', false),
    };
    // Preflights are answered by the bucket, which must hear what they ask.
    const video = {
      origin: S3BucketOrigin.withOriginAccessControl(production),
      allowedMethods: cloudfront.AllowedMethods.ALLOW_GET_HEAD_OPTIONS,
      originRequestPolicy: cloudfront.OriginRequestPolicy.CORS_S3_ORIGIN,
    };

    this.distribution = new cloudfront.Distribution(this, 'Distribution', {
      comment: 'Spotreel: playback',
      httpVersion: cloudfront.HttpVersion.HTTP2_AND_3,
      priceClass,
      defaultBehavior: {
        ...text,
        origin: S3BucketOrigin.withOriginAccessControl(pages),
        functionAssociations: [this.#rewrite()],
      },
      additionalBehaviors: {
        ...Object.fromEntries(
          MEDIA_SUFFIXES.map((suffix) => [`/${VIDEOS_PREFIX}*${suffix}`, { ...media, ...video }]),
        ),
        [`/${VIDEOS_PREFIX}*`]: { ...text, ...video },
      },
      // S3 says 403 to a reader that may not list the bucket.
      errorResponses: [403, 404].map((httpStatus) => ({
        httpStatus,
        responseHttpStatus: 404,
        responsePagePath: NOT_FOUND_PATH,
        ttl: Duration.seconds(NOT_FOUND_SECONDS),
      })),
    });
    Validations.of(this.distribution).acknowledge(...ACKNOWLEDGED);
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

  #rewrite(): cloudfront.FunctionAssociation {
    return {
      eventType: cloudfront.FunctionEventType.VIEWER_REQUEST,
      function: new cloudfront.Function(this, 'Rewrite', {
        comment: 'Spotreel: /watch is watch.html',
        runtime: cloudfront.FunctionRuntime.JS_2_0,
        code: cloudfront.FunctionCode.fromFile({ filePath: REWRITE_FILE }),
      }),
    };
  }

  /** `SECURITY_HEADERS` and `PLAYBACK_CORS`, in CloudFront's words. */
  #headers(): cloudfront.ResponseHeadersPolicy {
    const override = true;
    return new cloudfront.ResponseHeadersPolicy(this, 'Headers', {
      comment: 'Spotreel: any player may read; pages are kept to themselves',
      corsBehavior: {
        accessControlAllowCredentials: false,
        accessControlAllowHeaders: [...PLAYBACK_CORS.allowedHeaders],
        accessControlAllowMethods: [...PLAYBACK_CORS.allowedMethods],
        accessControlAllowOrigins: [...PLAYBACK_CORS.allowedOrigins],
        accessControlExposeHeaders: [...PLAYBACK_CORS.exposedHeaders],
        accessControlMaxAge: Duration.seconds(PLAYBACK_CORS.maxAgeSeconds),
        originOverride: override,
      },
      securityHeadersBehavior: {
        contentSecurityPolicy: { contentSecurityPolicy: CONTENT_SECURITY_POLICY, override },
        contentTypeOptions: { override },
        frameOptions: { frameOption: cloudfront.HeadersFrameOption.DENY, override },
        referrerPolicy: { referrerPolicy: cloudfront.HeadersReferrerPolicy.SAME_ORIGIN, override },
        strictTransportSecurity: {
          accessControlMaxAge: Duration.seconds(STRICT_TRANSPORT_SECONDS),
          override,
        },
      },
    });
  }
}

const MEDIA_SUFFIXES = CONTENT_TYPES.filter(({ type }) => /^(audio|video)\//.test(type)).map(
  ({ suffix }) => suffix,
);

const ACKNOWLEDGED = [
  { id: 'AwsSolutions-CFR1', reason: 'Who may watch from where is the owner’s to say, not the platform’s.' },
  {
    id: 'AwsSolutions-CFR2',
    reason: 'A firewall bills by the month while idle; only files are served here.',
  },
  { id: 'AwsSolutions-CFR3', reason: 'Access logs would be a third bucket that grows and bills while idle.' },
  {
    id: 'AwsSolutions-CFR4',
    reason:
      'CloudFront’s own certificate leaves no choice of TLS version; that comes with a domain of one’s own.',
  },
];
