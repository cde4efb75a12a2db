/**
 * High dynamic range made standard: exact integer tables for ffmpeg's `lutrgb` and `colorchannelmixer`, so that every
 * processor makes the same bytes (zscale and tonemap calculate in floating point). Why these curves, and what they were
 * measured against, stands in docs/encoding.md.
 */
import type { Colour } from './colour.ts';

/** Nits of HDR's reference white (BT.2408), which becomes SDR's white before the highlights are rolled off. */
const REFERENCE_WHITE = 203;

/** PQ's constants (SMPTE ST 2084). */
const [M1, M2, C1, C2, C3] = [2610 / 16384, (2523 / 4096) * 128, 3424 / 4096, 2413 / 128, 2392 / 128];

/** The signal of a light in nits, 0 to 1. */
function pqSignal(nits: number): number {
  const y = (nits / 10_000) ** M1;
  return ((C1 + C2 * y) / (1 + C3 * y)) ** M2;
}

/** ffmpeg expressions, with `ld(0)` and so on for what was stored. */
const FULL = 65535;
const HLG = { a: 0.17883277, b: 0.28466892, c: 0.55991073 };
/** The PQ signal of an HLG signal: inverse OETF, OOTF of a display of 1000 nits (gamma 1.2) a channel, PQ. */
const HLG_TO_PQ = [
  `st(0,if(lte(val/${FULL},0.5),pow(val/${FULL},2)/3,(exp((val/${FULL}-${HLG.c})/${HLG.a})+${HLG.b})/12))`,
  `st(1,pow(0.1*pow(ld(0),1.2),${M1}))`,
  `pow((${C1}+${C2}*ld(1))/(1+${C3}*ld(1)),${M2})`,
].join(';');

/**
 * Signal to linear SDR light: BT.2390's roll-off (section 5.4.1, in PQ's perceptual scale) from the source's peak to
 * reference white. What lies below its knee is not touched.
 */
function rollOff({ transfer, peakNits }: NonNullable<Colour['hdr']>): string {
  const peak = pqSignal(Math.max(peakNits, REFERENCE_WHITE));
  const white = pqSignal(REFERENCE_WHITE) / peak;
  const knee = 1.5 * white - 0.5;
  const rest = 1 - knee;
  const spline = [
    `(2*pow(ld(3),3)-3*pow(ld(3),2)+1)*${knee}`,
    `(pow(ld(3),3)-2*pow(ld(3),2)+ld(3))*${rest}`,
    `(3*pow(ld(3),2)-2*pow(ld(3),3))*${white}`,
  ].join('+');
  return [
    `st(2,min(1,(${transfer === 'hlg' ? HLG_TO_PQ : `val/${FULL}`})/${peak}))`,
    ...(rest > 0 ? [`st(3,max(0,(ld(2)-${knee})/${rest}))`] : ['st(3,0)']),
    `st(4,pow(${peak}*if(gt(ld(3),0),${spline},ld(2)),${1 / M2}))`,
    `st(5,pow(max(0,ld(4)-${C1})/(${C2}-${C3}*ld(4)),${1 / M1})*${10_000 / REFERENCE_WHITE})`,
    `0.5+${FULL}*min(1,ld(5))`,
  ].join(';');
}

/** BT.1886's display, inverted: linear light to signal. */
const TO_SIGNAL = `0.5+${FULL}*pow(val/${FULL},1/2.4)`;

/** Linear light of wide primaries to BT.709's (BT.2087, table 2; P3-D65 from its primaries), row by row. */
const TO_BT709 = {
  bt2020: [1.6605, -0.5876, -0.0728, -0.1246, 1.1329, -0.0083, -0.0182, -0.1006, 1.1187],
  smpte432: [1.2249, -0.2247, 0, -0.042, 1.0419, 0, -0.0196, -0.0786, 1.0979],
} as const;

const lut = (expression: string): string => `lutrgb=r='${expression}':g='${expression}':b='${expression}'`;

/** Filters from R'G'B' of PQ or HLG in 16 bits to R'G'B' of BT.709 in as many. */
export function toneMapFilters(hdr: NonNullable<Colour['hdr']>, primaries: Colour['primaries']): string[] {
  const names = ['rr', 'rg', 'rb', 'gr', 'gg', 'gb', 'br', 'bg', 'bb'];
  const rows = primaries === 'bt709' ? undefined : TO_BT709[primaries === 'smpte432' ? primaries : 'bt2020'];
  const mixer = rows && `colorchannelmixer=${rows.map((part, index) => `${names[index]}=${part}`).join(':')}`;
  return ['format=gbrp16le', lut(rollOff(hdr)), ...(mixer ? [mixer] : []), lut(TO_SIGNAL)];
}
