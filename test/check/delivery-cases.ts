/** Ways in which a server can deliver wrongly. */
import type { Delivery, ResourceKind } from '../../check/reader.ts';
import type { RuleName } from '../../check/rules.ts';

/** As it should come. */
export const GOOD: Omit<Delivery, 'url' | 'contentType' | 'contentEncoding'> = {
  redirected: false,
  allowOrigin: '*',
  cacheControl: 'public, max-age=31536000, immutable',
  rangeIgnored: false,
};

export interface DeliveryCase {
  readonly rule: RuleName;
  readonly when: string;
  readonly kind: ResourceKind;
  readonly change: Partial<Delivery>;
}

export const DELIVERY_CASES: DeliveryCase[] = [
  {
    rule: 'gzip',
    when: 'a playlist is not compressed',
    kind: 'playlist',
    change: { contentEncoding: undefined },
  },
  {
    rule: 'content-type',
    when: 'a playlist is plain text',
    kind: 'playlist',
    change: { contentType: 'text/plain' },
  },
  {
    rule: 'content-type',
    when: 'a segment has no type',
    kind: 'segment',
    change: { contentType: undefined },
  },
  {
    rule: 'tls',
    when: 'a segment comes by http from afar',
    kind: 'segment',
    change: { url: 'http://cdn.example/a.mp4' },
  },
  { rule: 'redirect', when: 'a segment was redirected', kind: 'segment', change: { redirected: true } },
  { rule: 'cors', when: 'no other page may read', kind: 'init', change: { allowOrigin: undefined } },
  { rule: 'ranges', when: 'the whole file came', kind: 'segment', change: { rangeIgnored: true } },
  {
    rule: 'cache',
    when: 'a segment must not be cached',
    kind: 'segment',
    change: { cacheControl: 'no-store' },
  },
];
