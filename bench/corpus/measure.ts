/** What ffmpeg, which shares no code with us, makes of a source and of the stream that came out. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const probeSchema = z.object({
  streams: z
    .array(
      z.object({
        codec_type: z.string().optional(),
        width: z.int().optional(),
        height: z.int().optional(),
        start_time: z.string().optional(),
        nb_read_frames: z.string().optional(),
      }),
    )
    .default([]),
});

/** What is in one stream. */
export interface Decoded {
  readonly kind: 'video' | 'audio';
  readonly frames: number;
  /** Seconds at which its first frame is shown or heard. */
  readonly start: number;
  readonly width: number;
  readonly height: number;
}

async function ffprobe(...args: string[]): Promise<{ output: string; complaints: string[] }> {
  const child = spawn('ffprobe', ['-v', 'error', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, complaints] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { output, complaints: complaints.split('\n').filter((line) => line.trim() !== '') };
}

const ENTRIES = 'stream=codec_type,width,height,start_time,nb_read_frames';

/**
 * Decodes a file or playlist from its beginning to its end.
 * @param selection a stream specifier, such as `v:0` or `3`
 * @returns its streams of picture and sound, and each complaint of a decoder
 */
export async function decodeAll(
  url: string,
  selection?: string,
): Promise<{ streams: Decoded[]; complaints: string[] }> {
  const selected = selection === undefined ? [] : ['-select_streams', selection];
  const args = [...selected, '-count_frames', '-show_entries', ENTRIES, '-of', 'json', url];
  const { output, complaints } = await ffprobe(...args);
  const { streams } = probeSchema.parse(JSON.parse(output || '{}'));
  const decoded = streams.flatMap(({ codec_type: kind, width = 0, height = 0, ...rest }): Decoded[] => {
    if (kind !== 'video' && kind !== 'audio') return [];
    const [frames, start] = [Number(rest.nb_read_frames ?? 0), Number(rest.start_time ?? 0)];
    return [{ kind, frames, start, width, height }];
  });
  return { streams: decoded, complaints };
}

/** When a stream's packets are shown or heard, in seconds of the file's clock. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /** What its packets last one by one: more than from `from` to `to` where the clock was set back on the way. */
  readonly sum: number;
}

/** The spans of a file's streams, by index. Packets that an edit list leaves out do not count. */
export async function packetSpans(file: string): Promise<ReadonlyMap<number, Span>> {
  const entries = ['-show_entries', 'packet=stream_index,pts_time,duration_time,flags', '-of', 'csv=p=0'];
  const { output } = await ffprobe(...entries, file);
  const spans = new Map<number, Span>();
  for (const line of output.split('\n')) {
    const [stream = '', pts = '', duration = '', flags = ''] = line.split(',');
    const at = Number.parseFloat(pts);
    if (!Number.isFinite(at) || flags.includes('D')) continue;
    const lasts = Number(duration) || 0; // unknown ones are 'N/A'
    const { from = at, to = at, sum = 0 } = spans.get(Number(stream)) ?? {};
    spans.set(Number(stream), {
      from: Math.min(from, at),
      to: Math.max(to, at + lasts),
      sum: sum + lasts,
    });
  }
  return spans;
}
