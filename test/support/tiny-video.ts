/** The smallest video that has everything: two chunks of two segments, two rungs, sound; as plan and receipts. */
import type { Encode } from '../../jobs/messages.ts';
import { jobKeys, videoKeys } from '../../jobs/names.ts';
import { writeReceipt } from '../../jobs/progress.ts';
import type { Stores } from '../../jobs/publish.ts';
import { audioDelay, type Plan, planSchema, timescaleOf } from '../../video/plan.ts';
import type { MediaObject, Receipt } from '../../video/receipt.ts';

const GOP = 50;
const CHUNKS = [
  { from: 0, to: 2 * GOP },
  { from: 2 * GOP, to: 4 * GOP },
];
const AUDIO_FRAMES = 375;

/** Its plan: 8 seconds at 25 frames a second. */
export function tinyPlan(revision: string): Plan {
  return planSchema.parse({
    revision,
    source: { container: 'mov,mp4', containerStart: 0 },
    origin: 0,
    picture: {
      codec: 'h264',
      stream: 0,
      width: 640,
      height: 360,
      frames: 200,
      timeBase: { num: 1, den: 25 },
      firstPts: 0,
      preroll: 1,
    },
    rate: { num: 25, den: 1 },
    frames: 4 * GOP,
    delayFrames: 2,
    gopFrames: GOP,
    segmentFrames: GOP,
    preset: 'veryfast',
    rungs: [
      { name: '360p', width: 640, height: 360, crf: 23, maxKbps: 900 },
      { name: '240p', width: 426, height: 240, crf: 24, maxKbps: 450 },
    ],
    chunks: CHUNKS,
    audio: [
      {
        ...{ stream: 1, language: 'en', name: 'English', role: 'main', autoselect: true, mix: 'matrix' },
        ...{ channels: 2, kbps: 128, frames: AUDIO_FRAMES },
      },
    ],
    workSeconds: 1,
    findings: [],
  });
}

function object(rendition: string, file: string, decodeTime: number, frames: readonly number[]): MediaObject {
  const fragments = frames.map((count, index) => ({
    offset: 10 + index * 20,
    length: 20,
    firstSampleEnd: 5,
    frames: count,
  }));
  const codec = rendition.startsWith('audio') ? 'mp4a.40.2' : 'avc1.64001e';
  const bytes = 10 + fragments.length * 20;
  return { rendition, file, bytes, initLength: 10, initSha256: 'i', codec, decodeTime, fragments };
}

const receipt = (task: string, objects: MediaObject[]): Receipt => ({
  task,
  objects,
  files: [],
  findings: [],
  cpuSeconds: 1,
  wallSeconds: 1,
  startedAt: '2026-01-02T03:04:05.000Z',
  finishedAt: '2026-01-02T03:04:06.000Z',
  worker: 'i-1',
});

/** What its tasks leave: the sound in one object, each rung of a chunk in one. */
export function tinyReceipts(): Receipt[] {
  const plan = tinyPlan('000000000000');
  const { ticksPerFrame } = timescaleOf(plan.rate);
  return [
    receipt('audio-00000', [object('audio-0', 'part-00000.m4a', audioDelay(plan), [125, 125, 125])]),
    ...CHUNKS.map(({ from }, index) =>
      receipt(
        `chunk-0000${index}`,
        plan.rungs.map(({ name }) =>
          object(name, `chunk-0000${index}.mp4`, from * ticksPerFrame, [GOP, GOP]),
        ),
      ),
    ),
  ];
}

/** Does a worker's part of an encode: plan, media, receipts. @param change to the plan */
export async function makeTiny(stores: Stores, encode: Encode, change: object = {}): Promise<void> {
  const { video, revision } = encode;
  await stores.uploads.putOnceJson(jobKeys.plan(video, revision), { ...tinyPlan(revision), ...change });
  for (const made of tinyReceipts()) {
    for (const { rendition, file, bytes } of made.objects) {
      const key = videoKeys.media(video, revision, `${rendition}/${file}`);
      await stores.production.putOnce(key, 'x'.repeat(bytes), { contentType: 'video/mp4' });
    }
    await writeReceipt(stores.uploads, encode, made);
  }
}
