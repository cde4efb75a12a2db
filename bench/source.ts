/** A local file as the pipeline's planner sees it, and as ffmpeg reads it in a worker. */
import { serveFile } from '../cli/file-server.ts';
import { type Plan, planVideo } from '../video/plan.ts';
import type { EncodeSettings } from '../video/settings.ts';
import { inspect } from '../worker-scripts/inspect.ts';

/** Serves one file by byte range on loopback while `use` runs, as the worker's proxy does. */
export async function withServedFile<T>(file: string, use: (url: string) => Promise<T>): Promise<T> {
  const { url, close } = await serveFile(file);
  try {
    return await use(url);
  } finally {
    close();
  }
}

/** The plan that the worker would make of a served file. */
export async function planOf(url: string, bytes: number, settings: EncodeSettings): Promise<Plan> {
  const { signal } = new AbortController();
  const { source, packets } = await inspect({ url, bytes, settings, signal });
  return planVideo(source, packets, settings, 'bench');
}
