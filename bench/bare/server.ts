/**
 * As little as an HTTP server can do, in a process of its own: `node server.ts FOLDER` keeps what is PUT in files of a
 * folder, gives them back, and echoes what is POSTed. Prints its URL.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node server.ts FOLDER');
const server = createServer(async (request, response) => {
  const file = join(folder, basename(request.url ?? ''));
  if (request.method === 'PUT') {
    await pipeline(request, createWriteStream(file));
    response.end();
  } else if (request.method === 'POST') await pipeline(request, response);
  else await pipeline(createReadStream(file), response);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo; // it listens on TCP
  console.log(`http://127.0.0.1:${port}`);
});
