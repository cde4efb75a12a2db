/** Structured log lines: one JSON object a line on standard output, as CloudWatch and journald take them. */

export type LogLevel = 'info' | 'warn' | 'error';

/** @param event what happened, in kebab case; @param fields what it happened to */
export function log(level: LogLevel, event: string, fields: Readonly<Record<string, unknown>> = {}): void {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...fields })}\n`);
}
