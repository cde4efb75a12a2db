/** What a run of `npm run bench` found, and the run that the repository keeps to compare with. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { rowSchema } from './row.ts';

const exec = promisify(execFile);

/** The last figures: written by `npm run bench -- --save`. */
export const COMMITTED = join(import.meta.dirname, 'figures.json');

const machineSchema = z.object({ cpu: z.string(), cores: z.int(), node: z.string(), ffmpeg: z.string() });
export type Machine = z.infer<typeof machineSchema>;

export const figuresSchema = z.object({
  /** Of the file's form. Figures of another one are not compared. */
  version: z.literal(1),
  at: z.iso.datetime(),
  /** The checked out one, with a plus where files differ from it; `unknown` outside a repository. */
  commit: z.string(),
  machine: machineSchema,
  /** Processes that wanted to run in the minute before: other work makes figures worse. */
  load: z.number(),
  rows: z.array(rowSchema),
});
export type Figures = z.infer<typeof figuresSchema>;

/** What figures say of where they were measured. Called before anything loads the machine. */
export async function describeRun(): Promise<Omit<Figures, 'rows'>> {
  const [, ffmpeg = ''] = /^ffmpeg version (\S+)/.exec((await exec('ffmpeg', ['-version'])).stdout) ?? [];
  return {
    version: 1,
    at: new Date().toISOString(),
    commit: await commit().catch(() => 'unknown'),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores: availableParallelism(),
      node: process.versions.node,
      ffmpeg,
    },
    load: loadavg()[0] ?? 0,
  };
}

async function commit(): Promise<string> {
  const describe = ['describe', '--always', '--exclude=*', '--dirty=+'];
  return (await exec('git', describe, { cwd: import.meta.dirname })).stdout.trim();
}

/** The figures that a file keeps, or in words why there are none to compare with. */
export async function readFigures(file: string): Promise<Figures | string> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return 'no figures are committed yet: --save writes them';
  const { data } = figuresSchema.safeParse(JSON.parse(text));
  return data ?? 'the committed figures are of another form and not compared: --save writes them anew';
}

/** With as many digits of each figure as mean something. */
export async function writeFigures(file: string, figures: Figures): Promise<void> {
  const short = (_: string, value: unknown) =>
    typeof value === 'number' ? Number(value.toPrecision(5)) : value;
  await writeFile(file, `${JSON.stringify(figuresSchema.parse(figures), short, 2)}\n`);
}
