/** The last check before a video is published: does the tree hold what the plan promised? */
import { KEY_BYTES, KEY_PATH } from './encryption.ts';
import { audioDelay, type Plan, timescaleOf } from './plan.ts';
import {
  audioRendition,
  type MediaObject,
  objectsOf,
  type Receipt,
  type StoredFile,
  unmadeAmong,
} from './receipt.ts';
import { AAC_FRAME } from './settings.ts';

const framesOf = (object: MediaObject): number =>
  object.fragments.reduce((sum, { frames }) => sum + frames, 0);

/** One timeline without a hole or an overlap, one init segment, and as many frames as planned. */
function verifyTimeline(
  rendition: string,
  objects: readonly MediaObject[],
  { start, frames, ticks }: { start: number; frames: number; ticks: number },
): string[] {
  const problems: string[] = [];
  let time = start;
  for (const object of objects) {
    if (object.decodeTime !== time) {
      problems.push(`${rendition}/${object.file} begins at tick ${object.decodeTime}, not at ${time}`);
    }
    time = object.decodeTime + framesOf(object) * ticks;
  }
  if (time !== start + frames * ticks) {
    problems.push(`${rendition} has ${(time - start) / ticks} frames, the plan ${frames}`);
  }
  const inits = new Set(objects.map(({ initSha256, codec }) => `${initSha256} ${codec}`));
  if (inits.size > 1) problems.push(`${rendition} has ${inits.size} different init segments`);
  return problems;
}

/** Every fragment of the picture is one GOP, but for the video's last. */
function verifyGops(rendition: string, objects: readonly MediaObject[], plan: Plan): string[] {
  const fragments = objects.flatMap((object) => object.fragments);
  const odd = fragments.slice(0, -1).filter(({ frames }) => frames !== plan.gopFrames);
  return odd.length > 0
    ? [`${rendition} has ${odd.length} fragments that are not ${plan.gopFrames} frames long`]
    : [];
}

/** What was written but is not there, or not whole. */
function verifyStored(files: readonly StoredFile[], stored: ReadonlyMap<string, number>): string[] {
  return files.flatMap(({ path, bytes }) => {
    const found = stored.get(path);
    return found === bytes ? [] : [`${path} has ${found ?? 'no'} bytes, its receipt says ${bytes}`];
  });
}

/**
 * Compares what was made with the plan.
 * @param stored bytes of each object that is there, by its path below the revision
 * @returns what is wrong, a sentence each; nothing where the video may be published
 */
export function verifyTree(
  plan: Plan,
  receipts: readonly Receipt[],
  stored: ReadonlyMap<string, number>,
): string[] {
  const { ticksPerFrame } = timescaleOf(plan.rate);
  const picture = plan.rungs.flatMap(({ name }) => {
    const objects = objectsOf(receipts, name);
    const timeline = verifyTimeline(name, objects, { start: 0, frames: plan.frames, ticks: ticksPerFrame });
    return [...timeline, ...verifyGops(name, objects, plan)];
  });
  const unmade = unmadeAmong(receipts);
  const sound = plan.audio.flatMap(({ frames }, index) => {
    const name = audioRendition(index);
    if (unmade.has(name)) return [];
    return verifyTimeline(name, objectsOf(receipts, name), {
      start: audioDelay(plan),
      frames,
      ticks: AAC_FRAME,
    });
  });
  const all = receipts.flatMap(({ objects, files }) => [
    ...objects.map(({ rendition, file, bytes }) => ({ path: `${rendition}/${file}`, bytes })),
    ...files,
  ]);
  if (plan.encryption) all.push({ path: KEY_PATH, bytes: KEY_BYTES });
  return [...picture, ...sound, ...verifyStored(all, stored)];
}
