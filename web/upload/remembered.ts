/** Uploads that this browser began and has not finished: what it takes to go on with one after the page was closed. */

const DATABASE = 'spotreel';
const UPLOADS = 'uploads';

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

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(UPLOADS, { keyPath: 'id' });
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Does something with what is kept. When it resolves, that is on the disk: a browser that is killed has not lost it. */
async function within<T>(work: (uploads: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  const transaction = database.transaction(UPLOADS, 'readwrite', { durability: 'strict' });
  const request = work(transaction.objectStore(UPLOADS));
  try {
    return await new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** What is remembered where a browser lets sites keep nothing: for as long as the page is open. */
const here = new Map<string, Remembered>();

async function remembered(): Promise<Remembered[]> {
  const kept = await within<Remembered[]>((uploads) => uploads.getAll()).catch(() => []);
  return [...here.values(), ...kept];
}

/** The upload of this very file; undefined where there is none to go on with. */
export const rememberedFor = async (file: FileMark): Promise<Remembered | undefined> =>
  (await remembered()).find((upload) => isSame(upload, file));

export async function remember(id: string, { name, size, lastModified }: FileMark): Promise<void> {
  const upload: Remembered = { id, name, size, lastModified };
  await within((uploads) => uploads.put(upload)).catch(() => here.set(id, upload));
}

export async function forget(id: string): Promise<void> {
  here.delete(id);
  await within((uploads) => uploads.delete(id)).catch(() => {}); // nothing is kept
}

const lockOf = (id: string): string => `spotreel-upload-${id}`;

/** Until something ends, no other tab takes the upload for one that waits. */
export async function whileSending(id: string, ended: Promise<void>): Promise<void> {
  // Denied where sites may keep nothing; then other tabs know of no upload either.
  await navigator.locks.request(lockOf(id), () => ended).catch(() => {});
}

/** Those that no tab is sending. */
export async function waiting(): Promise<Remembered[]> {
  const { held = [] } = await navigator.locks.query().catch((): LockManagerSnapshot => ({}));
  const names = new Set(held.map(({ name }) => name));
  return (await remembered()).filter(({ id }) => !names.has(lockOf(id)));
}
