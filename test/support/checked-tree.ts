/** A whole stream by the pipeline's own command lines and playlists, in memory: what the checker is tried on. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Reader } from '../../check/reader.ts';
import { serveFile } from '../../cli/file-server.ts';
import { pictureCodec } from '../../video/codec-strings.ts';
import { chunkArguments } from '../../video/ffmpeg-arguments.ts';
import { AAC_CODEC, BoxSplitter, delayPresentation, writeFragment } from '../../video/fmp4.ts';
import { masterPlaylist } from '../../video/multivariant.ts';
import { audioDelay, audioEdges, type Plan, planSchema, timescaleOf } from '../../video/plan.ts';
import { audioPlaylist, keyFramePlaylist, targetDuration, videoPlaylist } from '../../video/playlists.ts';
import type { MediaObject } from '../../video/receipt.ts';
import { AAC_FRAME } from '../../video/settings.ts';
import { describeMedia } from '../../worker-scripts/media.ts';
import { encodeSound } from './encode-sound.ts';
import { ffmpeg, numberedPicture } from './media.ts';

/** Files by their path in the tree. */
export type Tree = Map<string, Buffer>;

const ROOT = 'file:///tree/';
export const MASTER = 'master.m3u8';

export const urlOf = (path: string): string => new URL(path, ROOT).href;

/** Reads a tree in memory. */
export const treeReader = (tree: Tree): Reader => ({
  async read(url, _kind, _limit, range) {
    const bytes = tree.get(url.slice(ROOT.length));
    if (!bytes) throw new Error(`there is no ${url}`);
    return { bytes: range ? bytes.subarray(range.offset, range.offset + range.length) : bytes };
  },
});

/** 14 seconds in segments of six, key frames each second: so small and dense that no rule is broken. */
const PLAN: Plan = planSchema.parse({
  revision: '0123456789ab',
  source: { container: 'mov,mp4', containerStart: 0 },
  origin: 0,
  picture: {
    ...{ codec: 'h264', stream: 0, width: 448, height: 270, frames: 350, firstPts: 0 },
    ...{ timeBase: { num: 1, den: 12800 }, preroll: 1 },
  },
  ...{ rate: { num: 25, den: 1 }, frames: 350, delayFrames: 2, gopFrames: 25, segmentFrames: 150 },
  preset: 'veryfast',
  rungs: [
    { name: '180p', width: 298, height: 180, crf: 23, maxKbps: 400 },
    { name: '90p', width: 150, height: 90, crf: 35, maxKbps: 100 },
  ],
  chunks: [
    { from: 0, to: 300 },
    { from: 300, to: 350 },
  ],
  audio: [
    {
      ...{ stream: 1, language: 'en', name: 'English', role: 'main', autoselect: true, mix: 'matrix' },
      ...{ channels: 2, kbps: 48, frames: 656 },
    },
  ],
  workSeconds: 1,
  findings: [],
});

async function makeChunk(
  plan: Plan,
  folder: string,
  url: string,
  index: number,
): Promise<[MediaObject, Buffer][]> {
  const chunk = plan.chunks[index];
  if (!chunk) throw new Error(`there is no chunk ${index}`);
  const outputs = plan.rungs.map(({ name }) => join(folder, `${name}-${index}.mp4`));
  await promisify(execFile)('ffmpeg', chunkArguments(plan, chunk, url, outputs));
  const delay = plan.delayFrames * timescaleOf(plan.rate).ticksPerFrame;
  return Promise.all(
    plan.rungs.map(async ({ name }, rung): Promise<[MediaObject, Buffer]> => {
      const data = delayPresentation(await readFile(outputs[rung] ?? ''), delay);
      return [describeMedia(name, `chunk-${index}.mp4`, data, pictureCodec), data];
    }),
  );
}

async function makeSound(plan: Plan, url: string): Promise<[MediaObject, Buffer]> {
  const [track] = plan.audio;
  if (!track) throw new Error('the plan has no sound');
  const { data: written } = await encodeSound(PLAN, track, url);
  const boxes = new BoxSplitter().push(written);
  const frames = boxes.filter(({ type }) => type === 'mdat').map(({ content }) => content);
  const edges = audioEdges(plan, track);
  const fragments = edges.slice(0, -1).map((from, index) => {
    const own = frames.slice(1 + from, 1 + (edges[index + 1] ?? 0)); // the first is priming
    return writeFragment(index + 1, audioDelay(plan) + from * AAC_FRAME, AAC_FRAME, own);
  });
  const init = boxes.filter(({ type }) => type === 'ftyp' || type === 'moov').map(({ bytes }) => bytes);
  const data = Buffer.concat([...init, ...fragments]);
  return [describeMedia('audio-0', 'part-00000.m4a', data, () => AAC_CODEC), data];
}

/** Makes the tree, with other rungs if they are given. Needs ffmpeg. */
export async function checkedTree(ladder: Plan['rungs'] = PLAN.rungs): Promise<Tree> {
  const plan = { ...PLAN, rungs: ladder };
  const folder = await mkdtemp(join(tmpdir(), 'spotreel-check-'));
  const source = join(folder, 'source.mp4');
  const sound = ['-f', 'lavfi', '-i', 'anoisesrc=color=pink:amplitude=0.3:seed=1:duration=14'];
  await ffmpeg('-f', 'lavfi', '-i', numberedPicture('25', 14), ...sound, '-pix_fmt', 'yuv420p', source);
  const { url, close } = await serveFile(source);
  try {
    const chunks = await Promise.all(plan.chunks.map((_, index) => makeChunk(plan, folder, url, index)));
    const [audio, audioBytes] = await makeSound(plan, url);
    const made = [...chunks.flat(), [audio, audioBytes] as const];
    const rungs = plan.rungs.map(({ name }) => {
      return {
        name,
        objects: chunks.flat().flatMap(([object]) => (object.rendition === name ? [object] : [])),
      };
    });
    const target = targetDuration(plan);
    const texts: [string, string][] = [
      [
        MASTER,
        masterPlaylist({ plan, base: 'r/', rungs, audio: [{ name: 'audio-0', objects: [audio] }], text: [] }),
      ],
      ['r/audio-0/index.m3u8', audioPlaylist([audio], target)],
      ...rungs.flatMap(({ name, objects }): [string, string][] => [
        [`r/${name}/index.m3u8`, videoPlaylist(plan, objects, target)],
        [`r/${name}/iframes.m3u8`, keyFramePlaylist(plan, objects)],
      ]),
    ];
    return new Map([
      ...texts.map(([path, text]): [string, Buffer] => [path, Buffer.from(text)]),
      ...made.map(([{ rendition, file }, bytes]): [string, Buffer] => [`r/${rendition}/${file}`, bytes]),
    ]);
  } finally {
    close();
    await rm(folder, { recursive: true });
  }
}
