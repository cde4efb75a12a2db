/** The file for downloading: what a person gets who keeps a video, and how a browser gets it. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { newVideoId, pendingKey, type VideoId } from '../../jobs/names.ts';
import { type Details, detailsSchema } from '../../video/details.ts';
import { clap, ffmpeg, readClaps } from '../support/media.ts';
import { UPLOAD_BUCKET } from '../support/spotreel.ts';
import { useSpotreel } from '../support/use-spotreel.ts';

const exec = promisify(execFile);

const spotreel = useSpotreel();
let source: string;
beforeAll(async () => {
  source = spotreel.path('source.mp4');
  // B-frames, a last GOP that is shorter, and sound that has something to be in time with.
  const { picture, sound } = clap(25, 13, 3);
  const inputs = ['-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', sound];
  await ffmpeg(...inputs, '-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac', source);
});

const SETTINGS = {
  segmentSeconds: 2,
  chunkSeconds: 6,
  rungs: [
    { height: 180, crf: 28, maxKbps: 400 },
    { height: 120, crf: 28, maxKbps: 200 },
  ],
};

/** Uploads the source as the API's clients do, with a name and settings. */
async function upload(fileName: string, download: string): Promise<VideoId> {
  const id = newVideoId();
  const settings = { ...SETTINGS, download };
  const said = { fileName, type: 'video/mp4', size: 1, settings, createdAt: '', createdBy: 'test' };
  await spotreel.s3.send(
    new PutObjectCommand({ Bucket: UPLOAD_BUCKET, Key: pendingKey(id), Body: JSON.stringify(said) }),
  );
  await spotreel.uploadAs(id, source);
  expect(await spotreel.ended(id)).toBe('ready');
  return id;
}

const detailsOf = async (id: VideoId): Promise<Details> =>
  detailsSchema.parse(await (await fetch(`${spotreel.url}/v/${id}/video.json`)).json());

/** The address of a video's download, once there is one: playing does not wait for it. */
async function downloadOf(id: VideoId): Promise<{ url: string; bytes: number }> {
  for (;;) {
    const { download } = await detailsOf(id);
    if (download) return { url: `${spotreel.url}/v/${id}/${download.path}`, bytes: download.bytes };
    await sleep(100);
  }
}

/** MD5 of each picture or each run of sound, as ffmpeg decodes it; throws on any complaint. */
async function hashes(input: string, stream: 'v' | 'a'): Promise<string[]> {
  // Sound comes in other pieces from a playlist: it is cut anew.
  const decoded = stream === 'v' ? ['-an', '-fps_mode', 'passthrough'] : ['-vn', '-af', 'asetnsamples=1024'];
  const args = ['-v', 'error', '-xerror', '-i', input, ...decoded, '-f', 'framemd5', '-'];
  const { stdout, stderr } = await exec('ffmpeg', args);
  expect(stderr).toBe('');
  return stdout
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '');
}

async function probe(input: string) {
  const entries = 'stream=codec_type,start_time,duration,nb_frames,width,height';
  const { stdout } = await exec('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'json', input]);
  return (JSON.parse(stdout) as { streams: Record<string, unknown>[] }).streams; // ffprobe's shape
}

/** The boxes at the top of a file. */
function topBoxes(data: Buffer): { type: string; size: number }[] {
  const found: { type: string; size: number }[] = [];
  for (let at = 0; at < data.length; ) {
    const short = data.readUInt32BE(at);
    const size = short === 1 ? Number(data.readBigUInt64BE(at + 8)) : short;
    found.push({ type: data.toString('latin1', at + 4, at + 8), size });
    at += size;
  }
  return found;
}

describe('a video whose download is wanted', () => {
  let id: VideoId;
  let url: string;
  let bytes: number;
  let data: Buffer;
  let file: string;
  let rendition: (name: string) => string;
  beforeAll(async () => {
    id = await upload('Ferien in "Žďár" 50%.mov', 'highest');
    ({ url, bytes } = await downloadOf(id));
    data = Buffer.from(await (await fetch(url)).arrayBuffer());
    file = spotreel.path('download.mp4');
    await writeFile(file, data);
    const { revision } = await detailsOf(id);
    rendition = (name) => `${spotreel.url}/v/${id}/${revision}/${name}/index.m3u8`;
  });

  test('has a file of the size that is told, whose index comes before its media', () => {
    expect(data).toHaveLength(bytes);
    expect(topBoxes(data).map(({ type }) => type)).toEqual(['ftyp', 'moov', 'mdat']);
    expect(topBoxes(data).reduce((sum, { size }) => sum + size, 0)).toBe(bytes);
  });

  test.each([
    ['180p', 'v'],
    ['audio-0', 'a'],
  ] as const)('shows and plays what %s of the stream does, to the last frame', async (name, stream) => {
    const kept = await hashes(file, stream);
    expect(kept).toEqual(await hashes(rendition(name), stream));
    expect(kept.length).toBeGreaterThan(300);
  });

  test('begins at 0 in both, lasts as long as the source, and tells its size', async () => {
    expect(await probe(file)).toEqual([
      {
        codec_type: 'video',
        width: 320,
        height: 180,
        start_time: '0.000000',
        duration: '13.000000',
        nb_frames: '325',
      },
      expect.objectContaining({ codec_type: 'audio', start_time: '0.000000' }),
    ]);
  });

  test('claps in time, as the stream does', async () => {
    const lags = async (input: string) => {
      const { flashes, beeps } = await readClaps(input);
      expect(flashes).toHaveLength(4);
      return flashes.map((flash, index) => (beeps[index] ?? 0) - flash);
    };
    const [kept, streamed] = [await lags(file), await lags(`${spotreel.url}/v/${id}/master.m3u8`)];
    for (const [index, lag] of kept.entries()) {
      expect(Math.abs(lag)).toBeLessThan(0.02);
      expect(Math.abs(lag - (streamed[index] ?? 0))).toBeLessThan(0.002);
    }
  });

  test('can be sought: each key frame is where its table says', async () => {
    const frames = 'frame=pts_time,pict_type,key_frame';
    const args = ['-v', 'error', '-skip_frame', 'nokey', '-select_streams', 'v', '-show_entries', frames];
    const { stdout } = await exec('ffprobe', [...args, '-of', 'csv=p=0', file]);
    const times = [...stdout.matchAll(/\d+\.\d+/g)].map(Number);
    expect(times).toEqual([0, 2, 4, 6, 8, 10, 12]);
  });

  test('has the name of its source, in every spelling that browsers read', async () => {
    const { headers } = await fetch(url, { method: 'HEAD' });
    expect(headers.get('content-type')).toBe('video/mp4');
    expect(headers.get('cache-control')).toContain('immutable');
    expect(headers.get('content-disposition')).toBe(
      `attachment; filename="Ferien in ____r_ 50_.mp4"; filename*=UTF-8''Ferien%20in%20%22%C5%BD%C4%8F%C3%A1r%22%2050%25.mp4`,
    );
  });

  test('comes by byte range, with its name', async () => {
    const response = await fetch(url, { headers: { range: 'bytes=1000-1999' } });
    expect(response.status).toBe(206);
    expect(response.headers.get('content-range')).toBe(`bytes 1000-1999/${bytes}`);
    expect(response.headers.get('content-disposition')).toContain('attachment');
    expect(Buffer.from(await response.arrayBuffer())).toEqual(data.subarray(1000, 2000));
  });

  test('is the same to the byte whoever uploads it, but for its name', async () => {
    const other = await downloadOf(await upload('other.mov', 'highest'));
    const response = await fetch(other.url);
    expect(response.headers.get('content-disposition')).toBe('attachment; filename="other.mp4"');
    expect(Buffer.from(await response.arrayBuffer()).equals(data)).toBe(true);
  });
});

test('a smaller rung can be named', async () => {
  const { url } = await downloadOf(await upload('small.mov', '120p'));
  expect(await probe(url)).toContainEqual(expect.objectContaining({ height: 120 }));
});

test('without the setting there is none', async () => {
  const id = await upload('off.mov', 'off');
  const details = await detailsOf(id);
  expect(details.download).toBeUndefined();
  expect((await fetch(`${spotreel.url}/v/${id}/${details.revision}/download.mp4`)).status).toBe(404);
});
