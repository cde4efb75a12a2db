/** The files that a command line means: files, folders with all that is in them, and patterns. */
import type { Dirent } from 'node:fs';
import { glob, readdir, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { UsageError } from './endings.ts';

/** What videos and recordings are called. In a folder, only these count. */
const MEDIA = new Set(
  [
    ...['3gp', 'asf', 'avi', 'f4v', 'flv', 'm2ts', 'm2v', 'm4v', 'mkv', 'mov', 'mp4', 'mpeg', 'mpg', 'mts'],
    ...['mxf', 'ogv', 'ts', 'vob', 'webm', 'wmv', 'aac', 'flac', 'm4a', 'mp3', 'ogg', 'opus', 'wav', 'gif'],
  ].map((extension) => `.${extension}`),
);

/** Whether a file of a folder is meant. What begins with a dot is not: macOS puts a `._film.mov` beside a `film.mov`. */
const isMedia = (path: string): boolean =>
  MEDIA.has(extname(path).toLowerCase()) && !basename(path).startsWith('.');

/** Paths of the files among entries of folders, in order. */
const pathsOf = (entries: readonly Dirent[]): string[] =>
  entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .toSorted();

async function mediaIn(folder: string): Promise<string[]> {
  return pathsOf(await readdir(folder, { recursive: true, withFileTypes: true })).filter(isMedia);
}

async function filesOf(argument: string): Promise<string[]> {
  const there = await stat(argument).catch(() => undefined);
  if (there?.isDirectory()) return mediaIn(argument);
  if (there) return [argument];
  return pathsOf(await Array.fromAsync(glob(argument, { withFileTypes: true })));
}

/**
 * Every file that arguments mean, once, in their order.
 * @throws `UsageError` where an argument means none
 */
export async function findFiles(arguments_: readonly string[]): Promise<string[]> {
  const files = new Map<string, string>();
  for (const argument of arguments_) {
    const found = await filesOf(argument);
    if (found.length === 0)
      throw new UsageError(`'${argument}' is no file, and no folder or pattern with videos; check its path`);
    for (const file of found) files.set(resolve(file), file);
  }
  return [...files.values()];
}
