/** How fast the local S3 moves bytes, beside a server that does nothing else: no signatures, no digests, no answers that last. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { type Spotreel, startSpotreel, UPLOAD_BUCKET } from '../../test/support/spotreel.ts';
import { ask, startBareServer } from '../bare/start.ts';
import { type Bench, inRounds, secondsOf } from '../measure.ts';
import { type Measured, perSecond, ratio } from '../row.ts';

/** Objects that are moved at once, as many as parts of an upload, and their size. */
const OBJECTS = [0, 1, 2, 3];
const BYTES = 64 * 1024 ** 2;

/** Where objects are put, and where they are read. */
interface Place {
  readonly puts: readonly string[];
  readonly gets: readonly string[];
}

export async function s3({ rounds, folder }: Bench): Promise<Measured[]> {
  const body = randomBytes(BYTES);
  const put = ({ puts }: Place) =>
    secondsOf(() => Promise.all(puts.map((url) => ask(url, { method: 'PUT', body }))));
  const get = ({ gets }: Place) => secondsOf(() => Promise.all(gets.map((url) => ask(url))));

  const platform = await startSpotreel(join(folder, 's3'));
  const server = await startBareServer(join(folder, 's3-bare'));
  try {
    const [ours, bare] = [await placeOf(platform), barePlace(server.url)];
    const all = await inRounds(rounds, async () => ({
      puts: [await put(ours), await put(bare)] as const,
      gets: [await get(ours), await get(bare)] as const,
    }));
    const megabytes = perSecond((OBJECTS.length * BYTES) / 1e6, 'MB');
    const [puts, gets] = [all.map((round) => round.puts), all.map((round) => round.gets)];
    return [
      ratio('time of PUTs / of a bare server’s', puts, megabytes),
      ratio('time of GETs / of a bare server’s', gets, megabytes),
    ];
  } finally {
    server.end();
    await platform.interrupt();
  }
}

/** In our S3, below no prefix that anything listens to. */
async function placeOf({ s3: client }: Spotreel): Promise<Place> {
  const target = (index: number) => ({ Bucket: UPLOAD_BUCKET, Key: `bench/${index}` });
  const puts = OBJECTS.map((index) => getSignedUrl(client, new PutObjectCommand(target(index))));
  const gets = OBJECTS.map((index) => getSignedUrl(client, new GetObjectCommand(target(index))));
  return { puts: await Promise.all(puts), gets: await Promise.all(gets) };
}

function barePlace(url: string): Place {
  const urls = OBJECTS.map((index) => `${url}/${index}`);
  return { puts: urls, gets: urls };
}
