/** What the pipeline is compared with: plain ffmpeg commands that make the same rungs of the same file. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rung } from '../video/ladder.ts';
import { SCALER } from '../video/picture-filters.ts';
import type { Plan } from '../video/plan.ts';
import { toText } from '../video/rational.ts';
import { BUFFER_SECONDS } from '../video/settings.ts';
import { type Cost, ffmpeg, sum } from './cost.ts';

/** The sound, into a file of its own; nothing where there is none. */
function audio({ audio }: Plan, folder: string): string[] {
  const [track] = audio;
  if (!track) return [];
  const encoder = ['-c:a', 'aac', '-ac', '2', '-b:a', `${track.kbps}k`];
  return ['-map', `0:${track.stream}`, ...encoder, join(folder, 'audio.mp4')];
}

/** x264 as somebody would set it who wants the same rung: preset, capped quality, a key frame every GOP. */
function encoder(plan: Plan, { crf, maxKbps }: Rung): string[] {
  return [
    ...['-c:v', 'libx264', '-preset', plan.preset, '-profile:v', 'high', '-pix_fmt', 'yuv420p'],
    ...['-crf', `${crf}`, '-maxrate', `${maxKbps}k`, '-bufsize', `${maxKbps * BUFFER_SECONDS}k`],
    ...['-g', `${plan.gopFrames}`, '-sc_threshold', '0'],
  ];
}

/** (a) What a shell script does: one ffmpeg a rung, one after the other. */
export async function oneAfterTheOther(file: string, plan: Plan, folder: string): Promise<Cost> {
  const costs: Cost[] = [];
  for (const rung of plan.rungs) {
    const scale = ['-map', '0:v:0', '-vf', `scale=${rung.width}:${rung.height}`];
    costs.push(await ffmpeg('-i', file, ...scale, ...encoder(plan, rung), join(folder, `${rung.name}.mp4`)));
  }
  if (plan.audio.length > 0) costs.push(await ffmpeg('-i', file, ...audio(plan, folder)));
  return sum(costs);
}

/** (b) One ffmpeg that decodes once, scales as we do, and takes as many threads as it likes. */
export function oneCommand(file: string, plan: Plan, folder: string): Promise<Cost> {
  const last = plan.rungs.length - 1;
  const graph = plan.rungs.map(({ width, height }, index) => {
    const scale = `${index === 0 ? '[0:v:0]' : `[s${index}]`}scale=${width}:${height}:${SCALER}`;
    return index === last ? `${scale}[v${index}]` : `${scale},split[v${index}][s${index + 1}]`;
  });
  const outputs = plan.rungs.flatMap((rung, index) => {
    return ['-map', `[v${index}]`, ...encoder(plan, rung), join(folder, `${rung.name}.mp4`)];
  });
  return ffmpeg('-i', file, '-filter_complex', graph.join(';'), ...outputs, ...audio(plan, folder));
}

/** (c) The encoder alone: raw frames of each rung's size from a file, one thread, nothing else. */
export async function encoderAlone(file: string, plan: Plan, folder: string): Promise<Cost> {
  const raw = join(folder, 'raw.yuv');
  const costs: Cost[] = [];
  for (const rung of plan.rungs) {
    const scale = ['-vf', `scale=${rung.width}:${rung.height}`, '-pix_fmt', 'yuv420p'];
    await ffmpeg('-i', file, '-map', '0:v:0', ...scale, '-f', 'rawvideo', raw);
    const size = ['-s', `${rung.width}x${rung.height}`, '-r', toText(plan.rate)];
    const input = ['-f', 'rawvideo', '-pix_fmt', 'yuv420p', ...size, '-i', raw];
    const output = [...encoder(plan, rung), '-threads', '1', join(folder, `${rung.name}.mp4`)];
    costs.push(await ffmpeg(...input, ...output));
    await rm(raw);
  }
  return sum(costs);
}
