/** How bright a PQ picture becomes: what its first frame and its container say (SMPTE ST 2086, CTA-861.3). */
import { z } from 'zod';
import type { Graded } from './colour.ts';
import { parseRational, toNumber } from './rational.ts';

const sideDataSchema = z.looseObject({
  /** Such as `10000000/10000`, in nits. */
  max_luminance: z.string().optional(),
  min_luminance: z.string().optional(),
  /** MaxCLL and MaxFALL, in nits. */
  max_content: z.number().optional(),
  max_average: z.number().optional(),
});

/** The JSON of ffprobe for one frame. */
export const frameSchema = z.object({
  frames: z.array(z.object({ side_data_list: z.array(sideDataSchema).default([]) })).default([]),
});

/** Sensible peaks: below reference white there is nothing to roll off, and PQ ends at 10,000 nits. */
const SENSIBLE = { least: 203, most: 10_000 };

/** The brightest that the picture shows, in nits: the film's own maximum where it is told, else its mastering display's. */
export function readPeak({ frames }: z.infer<typeof frameSchema>): number | undefined {
  const data = frames.flatMap((frame) => frame.side_data_list);
  const mastering = data.map(({ max_luminance = '' }) => {
    const [num, den = 1] = max_luminance.split('/').map(Number);
    return num === undefined ? 0 : num / den;
  });
  const said = [...data.map(({ max_content = 0 }) => max_content), ...mastering];
  return said.find((nits) => nits >= SENSIBLE.least && nits <= SENSIBLE.most);
}

/** Where x265 wants a display's colours: in steps of 0.00002, and its light in steps of 0.0001 nits. */
const STEPS = { colour: 50_000, light: 10_000 };

/** What the first frame says of how it was graded; nothing where that is not whole. */
export function readGraded({ frames }: z.infer<typeof frameSchema>): Graded {
  const data = frames.flatMap((frame) => frame.side_data_list);
  const display = data.map(masterDisplayOf).find((text) => text !== undefined);
  const { max_content, max_average = 0 } = data.find(({ max_content }) => max_content !== undefined) ?? {};
  return {
    ...(display && { masterDisplay: display }),
    ...(max_content && { maxCll: `${Math.round(max_content)},${Math.round(max_average)}` }),
  };
}

function masterDisplayOf(data: Readonly<Record<string, unknown>>): string | undefined {
  const steps = (key: string, unit: number) => {
    const value = parseRational(`${data[key]}`);
    return value && Math.round(toNumber(value) * unit);
  };
  const pair = (name: string) => [steps(`${name}_x`, STEPS.colour), steps(`${name}_y`, STEPS.colour)];
  const light = [steps('max_luminance', STEPS.light), steps('min_luminance', STEPS.light)];
  const parts = { G: pair('green'), B: pair('blue'), R: pair('red'), WP: pair('white_point'), L: light };
  const whole = Object.values(parts).every((values) => values.every((value) => value !== undefined));
  if (!whole) return undefined;
  return Object.entries(parts)
    .map(([name, values]) => `${name}(${values.join(',')})`)
    .join('');
}
