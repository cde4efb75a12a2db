/** Readers of options and arguments, which say what a value should be where it is not. */
import { InvalidArgumentError } from 'commander';
import { isVideoId } from '../jobs/names.ts';

/** Reads an option that must be a whole number of at least `least`, and at most `most`. */
export const wholeNumber =
  (least: number, most = Number.POSITIVE_INFINITY) =>
  (text: string) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < least || value > most) {
      const limit = Number.isFinite(most) ? ` and at most ${most}` : '';
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}${limit}.`);
    }
    return value;
  };

/** Reads an argument that must be the id of a video. */
export function videoId(text: string): string {
  if (isVideoId(text)) return text;
  throw new InvalidArgumentError('It is no id of a video; spotreel list has them.');
}

/** Reads an option that must be an amount of US dollars. */
export function dollars(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0)
    throw new InvalidArgumentError('It must be US dollars, more than none.');
  return value;
}

/** Reads an option that must be a JSON object. */
export function jsonObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // told below
  }
  throw new InvalidArgumentError('It must be a JSON object.');
}
