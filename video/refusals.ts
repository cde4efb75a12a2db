/** What ffmpeg's refusal of a file means to its owner. */
import { type FailureCode, SourceError } from './failures.ts';

/** ffmpeg's words, and what they come to; the first that fits. */
const REFUSALS: readonly { readonly says: RegExp; readonly code: FailureCode }[] = [
  // Its index was never written, because the recording or the copy stopped.
  { says: /moov atom not found|Could not find codec parameters.*unspecified size/, code: 'incomplete' },
  { says: /exceeds specified max pixel count/, code: 'too-large' },
  { says: /Decoder \(codec .*\) not found|Decoder .*not found for/i, code: 'unsupported-codec' },
];

/**
 * @param lines ffmpeg's complaints
 * @param fallback where none of them says more
 */
export function refusalOf(lines: readonly string[], fallback: 'not-a-video' | 'undecodable'): SourceError {
  const plain = lines.map(withoutAddresses);
  for (const { says, code } of REFUSALS) {
    const line = plain.find((one) => says.test(one));
    if (line !== undefined) return new SourceError(code, line);
  }
  return new SourceError(fallback, plain.at(-1));
}

/** ffmpeg's lines name memory addresses and the proxy's URL; neither tells anybody anything. */
export function withoutAddresses(line: string): string {
  return line
    .replace(/ @ 0x[0-9a-f]+/g, '')
    .replace(/http:\/\/127\.0\.0\.1:\d+\/\S*?(:?)(?=\s|$)/g, 'source$1')
    .replace(/\[(error|fatal|warning|info)\] /g, '')
    .trim();
}
