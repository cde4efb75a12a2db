/** How bright a PQ picture becomes: what its first frame and its container say (SMPTE ST 2086, CTA-861.3). */
import { z } from 'zod';

const sideDataSchema = z.looseObject({
  /** Such as `10000000/10000`, in nits. */
  max_luminance: z.string().optional(),
  /** MaxCLL, in nits. */
  max_content: z.number().optional(),
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
