/** How a sound is cut into objects: it is made in one run, and its parts can be heard as they come. */

/** Segments of a part: five minutes of six seconds, about 5 MB. This bounds the memory, whatever the length. */
const LONGEST_PART = 50;

/** Segments of a part, by its index. The first ones are short, for somebody waits to hear them. */
export const partSegments = (index: number): number => Math.min(LONGEST_PART, 2 ** index);

/** Segments of the first `count` parts; of a whole sound at most so many, for its last part ends with it. */
export const segmentsOfParts = (count: number): number =>
  Array.from({ length: count }, (_, index) => partSegments(index)).reduce((sum, one) => sum + one, 0);

/** How many parts a sound of so many segments has. */
export function partsOf(segments: number): number {
  let parts = 0;
  while (segmentsOfParts(parts) < segments) parts++;
  return parts;
}
