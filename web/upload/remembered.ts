/** Uploads that this browser began and has not finished: what it takes to go on with one after the page was closed. */

const KEY = 'spotreel-uploads';

/** A file as it can be told again when it is chosen again; browsers give pages no path. */
interface FileMark {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly lastModified: number;
}

export interface Remembered extends FileMark {
  /** The upload's, and later the video's. */
  readonly id: string;
}

const isSame = (a: FileMark, b: FileMark): boolean =>
  a.name === b.name && a.size === b.size && a.lastModified === b.lastModified;

/** All of them, oldest first. */
export function remembered(): Remembered[] {
  return JSON.parse(localStorage.getItem(KEY) ?? '[]') as Remembered[]; // nobody else writes there
}

const keep = (uploads: readonly Remembered[]): void => localStorage.setItem(KEY, JSON.stringify(uploads));

/** The upload of this very file; undefined where there is none to go on with. */
export const rememberedFor = (file: FileMark): Remembered | undefined =>
  remembered().find((upload) => isSame(upload, file));

export function remember(id: string, { name, size, lastModified }: FileMark): void {
  keep([...remembered().filter((upload) => upload.id !== id), { id, name, size, lastModified }]);
}

export function forget(id: string): void {
  keep(remembered().filter((upload) => upload.id !== id));
}

const lockOf = (id: string): string => `spotreel-upload-${id}`;

/** Does something while no other tab takes the upload for one that waits. */
export const whileSending = <T>(id: string, work: () => Promise<T>): Promise<T> =>
  navigator.locks.request(lockOf(id), work);

/** Those that no tab is sending. */
export async function waiting(): Promise<Remembered[]> {
  const { held = [] } = await navigator.locks.query();
  const names = new Set(held.map(({ name }) => name));
  return remembered().filter(({ id }) => !names.has(lockOf(id)));
}
