/** Keeps structured log lines out of a test's output and in its hands. */
import { jest } from '@jest/globals';

/** Starts to catch what is written to standard output; the lines so far are what the returned function gives. */
export function captureLog(): () => Array<Record<string, unknown>> {
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  return () => write.mock.calls.map(([line]) => JSON.parse(String(line)));
}
