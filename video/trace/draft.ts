/** A span while its trace is computed. */
import type { Attributes, Span } from './span.ts';

/** Times in milliseconds since 1970. */
export interface Draft extends Pick<Span, 'kind' | 'name' | 'error'> {
  readonly from: number;
  readonly to: number;
  readonly attributes: Attributes;
  /** Playing does not wait for it. */
  readonly beside?: boolean;
  /** Why it began no earlier. */
  readonly since?: {
    /** When its machine was launched, and its worker ready. */
    readonly launched: number | undefined;
    readonly ready: number | undefined;
    /** What became of the try before. */
    readonly before: 'lost' | 'again' | 'tries' | undefined;
  };
}

/** Milliseconds since 1970. @param iso ISO 8601 */
export const time = (iso: string): number => Date.parse(iso);

/** To a thousandth: what clocks tell. */
export const rounded = (value: number): number => Math.round(value * 1000) / 1000;
