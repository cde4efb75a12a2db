/** Rules of how things come over HTTP (rows 8.18, 10.x, 11.x and D1 of the checklist). */
import { type Finding, finding, type Place } from './finding.ts';
import type { Delivery, ResourceKind } from './reader.ts';
import type { RuleName } from './rules.ts';

/** Content types by the end of the path (RFC 8216, 4 and 10; Apple 10.4). */
const TYPES: readonly { readonly ends: RegExp; readonly types: readonly string[] }[] = [
  { ends: /\.m3u8?$/, types: ['application/vnd.apple.mpegurl', 'audio/mpegurl', 'application/x-mpegurl'] },
  { ends: /\.ts$/, types: ['video/mp2t'] },
  { ends: /\.(mp4|m4v|cmfv)$/, types: ['video/mp4', 'audio/mp4'] },
  { ends: /\.(m4s|cmf[vat])$/, types: ['video/iso.segment', 'video/mp4', 'audio/mp4'] },
  { ends: /\.(m4a|cmfa)$/, types: ['audio/mp4', 'video/mp4'] },
  { ends: /\.aac$/, types: ['audio/aac'] },
  { ends: /\.(vtt|webvtt)$/, types: ['text/vtt'] },
];

/** Bytes below which a playlist fits into a packet as it is: CloudFront and others leave those uncompressed. */
const WORTH_COMPRESSING = 1000;

const LOOPBACK = /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * What is wrong with how a resource came.
 * @param size bytes of its content
 */
export function checkDelivery(delivery: Delivery, kind: ResourceKind, size: number, place: Place): Finding[] {
  const { protocol, hostname, pathname } = new URL(delivery.url);
  const type = delivery.contentType?.split(';')[0]?.trim().toLowerCase();
  const wanted = TYPES.find(({ ends }) => ends.test(pathname))?.types;
  const media = kind === 'init' || kind === 'segment' || kind === 'text';
  const broken: [boolean, RuleName, string][] = [
    [
      kind === 'playlist' && size >= WORTH_COMPRESSING && delivery.contentEncoding !== 'gzip',
      'gzip',
      `it came as '${delivery.contentEncoding ?? 'identity'}'`,
    ],
    [
      wanted !== undefined && !wanted.includes(type ?? ''),
      'content-type',
      `it came as '${type ?? 'nothing'}', not '${wanted?.[0]}'`,
    ],
    [protocol !== 'https:' && !LOOPBACK.test(hostname), 'tls', `it came by ${protocol}`],
    [media && delivery.redirected, 'redirect', 'it was redirected'],
    [delivery.allowOrigin === undefined, 'cors', 'there is no Access-Control-Allow-Origin'],
    [delivery.rangeIgnored, 'ranges', 'a byte range was asked for, the whole came'],
    [
      media && !/max-age=[1-9]/.test(delivery.cacheControl ?? ''),
      'cache',
      `Cache-Control is '${delivery.cacheControl ?? ''}'`,
    ],
  ];
  return broken
    .filter(([is]) => is)
    .map(([, rule, message]) => finding(rule, place, `${delivery.url}: ${message}`));
}
