/** Uploads from Node to a platform that runs: a loop that does nothing else, and the command. */

import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { SpotreelClient } from '../../api/client/index.ts';
import { CLI } from '../../test/support/cli.ts';
import { timed } from '../cost.ts';

/** What uploads should reach of the bare loop's speed. */
export const SPEED_TARGET = 0.8;
/** As many as the client sends, on the page too. */
export const PARALLEL = 4;
/** Bytes that are read or written at once: small reads cost the bare loop speed. */
const AT_ONCE = 1024 ** 2;

/** What is sent, and where to. */
export interface Source {
  readonly file: string;
  /** Bytes, of more than one part. */
  readonly size: number;
  /** The platform. */
  readonly url: string;
}

export interface Upload {
  /** What is measured. */
  readonly send: () => Promise<void>;
  /** Makes room on the disk, and spares the machine work on what is no video. */
  readonly drop: () => Promise<void>;
}

/** A part of the file, and where to PUT it. */
interface Part {
  readonly url: string;
  /** Byte of the file. */
  readonly start: number;
  readonly size: number;
}

/** Writes bytes that no disk, file system or connection makes less of. */
export async function writeRandom(path: string, size: number): Promise<void> {
  const file = await open(path, 'w');
  const bytes = Buffer.alloc(AT_ONCE);
  for (let left = size; left > 0; left -= bytes.length) await file.write(randomFillSync(bytes));
  await file.close();
}

/** PUTs a stretch of a file with nothing between disk and socket. */
async function putRange(file: string, url: string, start: number, length: number): Promise<void> {
  const put = request(url, { method: 'PUT', headers: { 'content-length': length } });
  const answered = once(put, 'response');
  const body = createReadStream(file, { start, end: start + length - 1, highWaterMark: AT_ONCE });
  await Promise.all([pipeline(body, put), answered]);
  const [response] = (await answered) as [IncomingMessage]; // of Node's ClientRequest
  response.resume();
  if (response.statusCode !== 200) throw new Error(`The bare loop was refused: ${response.statusCode}`);
}

/** An upload whose URLs are at hand. */
export async function signedUpload({
  url,
  size,
}: Source): Promise<{ parts: Part[]; drop: () => Promise<void> }> {
  const client = new SpotreelClient({ url });
  const upload = await client.createUpload({ fileName: 'bare.mov', size, type: 'video/quicktime' });
  if (upload.method !== 'multipart') throw new Error('The upload is one PUT');
  const numbers = Array.from({ length: upload.partCount }, (_, index) => index + 1);
  const { parts } = await client.signParts(upload.id, numbers);
  return {
    parts: parts.map((part) => ({ ...part, start: (part.number - 1) * upload.partSize })),
    drop: () => client.abortUpload(upload.id),
  };
}

/** A loop in Node that does nothing else: no retries, no completion. */
export async function bareLoop(source: Source): Promise<Upload> {
  const { parts, drop } = await signedUpload(source);
  const queue = parts.values();
  const putOnes = async () => {
    for (const part of queue) await putRange(source.file, part.url, part.start, part.size);
  };
  return {
    async send() {
      await Promise.all(Array.from({ length: PARALLEL }, putOnes));
    },
    drop,
  };
}

/** `spotreel upload`, its start included. */
export async function command({ file, url }: Source): Promise<Upload> {
  return {
    async send() {
      await timed(process.execPath, [CLI, 'upload', file, '--json', '--url', url]);
    },
    drop: () => deleteVideos(url),
  };
}

export async function deleteVideos(url: string): Promise<void> {
  const client = new SpotreelClient({ url });
  for await (const { id } of client.eachVideo()) await client.deleteVideo(id);
}
