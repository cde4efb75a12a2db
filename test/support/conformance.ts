/** The conformance checker, for whatever tree a test has made. */
import { checkStream } from '../../check/check.ts';
import { httpReader } from '../../cli/http-reader.ts';

/** What breaks the standard in the stream at a URL, a line each; and what could not be checked. */
export async function violations(url: string): Promise<string[]> {
  const { findings, unchecked } = await checkStream(httpReader, url);
  const errors = findings.filter(({ severity }) => severity === 'error');
  return [
    ...errors.map(({ rule, playlist, line, message }) => `${rule} ${playlist}:${line} ${message}`),
    ...unchecked,
  ];
}
