/** Reads a stream that lies in a folder, for `spotreel check`. */
import { open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { ByteRange, Reader, Resource } from '../check/reader.ts';

/** The playlist of a folder that is checked: the multivariant one, by the names in use. */
const MAIN = ['master.m3u8', 'index.m3u8', 'main.m3u8', 'playlist.m3u8'];

/** The main playlist of a folder, or the file itself. Throws with what to name instead. */
async function mainPlaylist(path: string): Promise<string> {
  const found = await stat(path).catch(() => {
    throw new Error(`${path} can not be read; name a folder with a playlist, a playlist, or a URL`);
  });
  if (!found.isDirectory()) return path;
  const playlists = (await readdir(path)).filter((name) => name.endsWith('.m3u8'));
  const main =
    MAIN.find((name) => playlists.includes(name)) ?? (playlists.length === 1 ? playlists[0] : undefined);
  if (main !== undefined) return join(path, main);
  const there =
    playlists.length > 0 ? `one of ${playlists.toSorted().join(', ')}` : 'a folder with a playlist (.m3u8)';
  throw new Error(`${path} has no ${MAIN[0]}; name ${there}`);
}

/** Playlists may name what they like: only what lies in their folder is read, links followed. */
async function readWithin(root: string, url: string, limit: number, range?: ByteRange): Promise<Resource> {
  const { protocol } = new URL(url);
  if (protocol !== 'file:') throw new Error(`${url} is not in the folder; check the stream by its URL`);
  const path = await realpath(fileURLToPath(url)).catch(() => {
    throw new Error(`there is no file ${relative(root, fileURLToPath(url))}`);
  });
  if (!path.startsWith(root + sep)) throw new Error(`${path} lies outside ${root}`);
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const offset = range?.offset ?? 0;
    const length = Math.max(0, Math.min(range?.length ?? size, size - offset));
    if (length > limit)
      throw new Error(`${relative(root, path)} has ${length} bytes, more than the ${limit} that are read`);
    const { buffer } = await file.read({ buffer: Buffer.alloc(length), position: offset });
    return { bytes: buffer };
  } finally {
    await file.close();
  }
}

/**
 * A reader of one folder.
 * @param path the folder, or a playlist in it
 * @returns the reader, and the main playlist's URL
 * @throws an `Error` that says what to name instead
 */
export async function openFolder(path: string): Promise<{ reader: Reader; url: string }> {
  const playlist = await realpath(await mainPlaylist(path));
  const root = dirname(playlist);
  const reader: Reader = { read: (url, _kind, limit, range) => readWithin(root, url, limit, range) };
  return { reader, url: pathToFileURL(join(root, basename(playlist))).href };
}
