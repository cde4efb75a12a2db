/** A small HLS stream by ffmpeg's own muxer, to try the pages without the pipeline. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CACHE_CONTROL, contentTypeOf } from '../../jobs/platform.ts';
import type { StoredObject } from './origin.ts';

/** Seconds of the stream, in segments of two. */
export const TREE_SECONDS = 8;

const GOP_FRAMES = '50'; // two seconds at 25 frames a second

const ARGUMENTS = [
  ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=25:duration=${TREE_SECONDS}`],
  ...['-f', 'lavfi', '-i', `sine=frequency=440:duration=${TREE_SECONDS}`],
  ...['-filter_complex', '[0:v]split[a][b];[b]scale=320:180[c]'],
  ...['-map', '[a]', '-map', '[c]', '-map', '1:a', '-ac', '2', '-c:a', 'aac', '-b:a', '96k'],
  ...[
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-g',
    GOP_FRAMES,
    '-sc_threshold',
    '0',
  ],
  ...['-b:v:0', '800k', '-b:v:1', '200k', '-f', 'hls', '-hls_time', '2', '-hls_playlist_type', 'vod'],
  ...['-hls_segment_type', 'fmp4', '-hls_flags', 'single_file', '-master_pl_name', 'master.m3u8'],
  ...[
    '-var_stream_map',
    'v:0,agroup:sound,name:360p v:1,agroup:sound,name:180p a:0,agroup:sound,default:yes,name:sound',
  ],
  ...['-hls_segment_filename', '%v.mp4', '%v.m3u8'],
];

/** Two pictures for the preview on the timeline, one for each half. */
const SPRITE = [
  ...['-v', 'error', '-f', 'lavfi', '-i', `testsrc2=s=160x90:rate=1/4:duration=${TREE_SECONDS},tile=2x1`],
  ...['-frames:v', '1', 'sprite.jpg'],
];
const half = TREE_SECONDS / 2;
const FILES = {
  'storyboard.vtt': `WEBVTT

00:00.000 --> 00:0${half}.000
sprite.jpg#xywh=0,0,160,90

00:0${half}.000 --> 00:0${TREE_SECONDS}.000
sprite.jpg#xywh=160,0,160,90
`,
  'video.json': JSON.stringify({ storyboard: 'storyboard.vtt', poster: { path: 'sprite.jpg' } }),
};

/** 360p and 180p with a separate audio group, and pictures: the objects below a key that ends in `/`. Needs ffmpeg. */
export async function hlsTree(prefix: string): Promise<Map<string, StoredObject>> {
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-hls-'));
  try {
    await promisify(execFile)('ffmpeg', ARGUMENTS, { cwd: folder });
    await promisify(execFile)('ffmpeg', SPRITE, { cwd: folder });
    for (const [name, text] of Object.entries(FILES)) await writeFile(join(folder, name), text);
    const objects = new Map<string, StoredObject>();
    for (const name of await readdir(folder))
      objects.set(`${prefix}${name}`, {
        body: await readFile(join(folder, name)),
        contentType: contentTypeOf(name),
        cacheControl: CACHE_CONTROL.replaceable,
      });
    return objects;
  } finally {
    await rm(folder, { recursive: true });
  }
}
