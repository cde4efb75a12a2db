/**
 * Structured log lines: one JSON object a line on standard output, as CloudWatch and journald take them. A line carries
 * what its process is, and what the work belongs to that it was written in: the video above all.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

export type LogLevel = 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

const scope = new AsyncLocalStorage<LogFields>();
let ofProcess: LogFields = {};
const listeners = new Set<(line: string) => void>();

/** @param event what happened, in kebab case; @param fields what it happened to */
export function log(level: LogLevel, event: string, fields: LogFields = {}): void {
  const time = new Date().toISOString();
  const line = JSON.stringify({ time, level, event, ...ofProcess, ...scope.getStore(), ...fields });
  process.stdout.write(`${line}\n`);
  for (const listener of listeners) listener(line);
}

/** From now on every line of this process carries these fields. */
export function logAlways(fields: LogFields): void {
  ofProcess = { ...ofProcess, ...fields };
}

/** Every line that is written by `work`, and by all that it starts, carries these fields. */
export function withLogFields<T>(fields: LogFields, work: () => T): T {
  return scope.run({ ...scope.getStore(), ...fields }, work);
}

/** Hands every line of this process from now on to somebody else, too. Returns how to end that. */
export function onLogLine(listener: (line: string) => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
