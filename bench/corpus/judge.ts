/** What is wrong with what a file of the corpus became. */
import type { Entry } from './manifest.ts';
import type { Outcome, Playing, Rendition } from './run.ts';

/** Seconds by which sound may be early or late, where the source has it in step (issue 4). */
const APART = 0.02;
/** Seconds, and share, by which the stream may last longer or shorter than its source. */
const LENGTH_APART = { seconds: 0.2, share: 0.02 };
/** Share by which the aspect ratio may differ, and pixels that the even sizes of a small picture cost beside it. */
const ASPECT_APART = { share: 0.01, pixels: 2 };
/** Ends that tell nothing about the file: it was tried until somebody gave up (DESIGN, idea 6). */
const GIVEN_UP: readonly string[] = ['gave-up', 'timed-out'];

const picturesOf = ({ renditions }: Playing) =>
  renditions.flatMap(({ name, streams }) =>
    streams.filter(({ kind }) => kind === 'video').map((stream) => ({ name, ...stream })),
  );
const soundsOf = ({ renditions }: Playing) =>
  renditions.flatMap(({ streams }) => streams.filter(({ kind }) => kind === 'audio'));

/** Frames of the highest rung; none where there is sound alone. */
export const framesOut = (playing: Playing): number => picturesOf(playing)[0]?.frames ?? 0;

/** Seconds by which renditions of sound begin after the picture, and not with it. */
function lateStarts(playing: Playing): number[] {
  const start = picturesOf(playing)[0]?.start;
  if (start === undefined) return [];
  return soundsOf(playing)
    .map((sound) => sound.start - start)
    .filter((lag) => Math.abs(lag) > APART);
}

const milliseconds = (seconds: number): string => `${Math.round(seconds * 1000)} ms`;

function checkDrift({ drift }: Playing): string[] {
  return Object.entries(drift ?? {}).flatMap(([where, late]: [string, number | undefined]) =>
    late !== undefined && Math.abs(late) > APART
      ? [`at its ${where} sound is ${milliseconds(late)} later than in the source`]
      : [],
  );
}

/** Seconds that the stream lasts, by its own count of frames. */
const secondsOut = ({ plan }: Playing): number => (plan.frames * plan.rate.den) / plan.rate.num;

function checkEnd({ entry, state, failure }: Outcome): string[] {
  const { expected, tolerance } = entry;
  if (state === 'ready') {
    return expected === 'playable' || tolerance?.startsWith('playable')
      ? []
      : ['it plays, and should be refused'];
  }
  if (GIVEN_UP.includes(failure?.code ?? '')) return [`it was given up, not refused: ${failure?.message}`];
  return expected === 'reject' || tolerance?.startsWith('clean reject')
    ? []
    : [`it should play: ${failure?.code}: ${failure?.message}`];
}

/** The picture's sides as they are meant to be seen. */
function shownSides({ video }: Entry): [number, number] | undefined {
  if (!video?.width || !video.height) return undefined;
  const [num = 1, den = 1] = (video.sar ?? '1:1').split(':').map(Number);
  const width = video.width * (num && den ? num / den : 1);
  return (video.rotation_cw ?? 0) % 180 === 0 ? [width, video.height] : [video.height, width];
}

function checkPicture({ entry }: Outcome, playing: Playing): string[] {
  const problems: string[] = [];
  const pictures = picturesOf(playing);
  const [first] = pictures;
  const sides = shownSides(entry);
  if (!sides) return [];
  if (!first) return ['the picture is missing'];
  for (const { name, width, height, frames } of pictures) {
    if (frames !== first.frames)
      problems.push(`${name} has ${frames} frames, the first rung ${first.frames}`);
    const ideal = (height * sides[0]) / sides[1];
    if (Math.abs(width - ideal) > ASPECT_APART.share * ideal + ASPECT_APART.pixels)
      problems.push(`${name} is ${width}x${height}, the source ${sides.map(Math.round).join('x')}`);
  }
  if (first.frames !== playing.plan.frames)
    problems.push(`${first.frames} frames came out, ${playing.plan.frames} were planned`);
  return problems;
}

/** A steady rate that was kept gives each frame once. */
function checkFrames({ plan, findings, framesIn }: Playing): string[] {
  const explained = findings.some(({ code }) => EXPLAIN_FRAMES.includes(code));
  if (!plan.picture || explained || Math.abs(plan.frames - framesIn) <= 1) return [];
  return [`${framesIn} frames went in, ${plan.frames} came out, and no finding says why`];
}

/** Findings that say why there are more or fewer frames. */
const EXPLAIN_FRAMES: readonly string[] = [
  'frame-rate',
  'cut-off',
  'held-picture',
  'still-image',
  'deinterlaced',
  'damaged',
];

/** Seconds that the source's picture lasts, and its picture and sound together. */
function secondsIn({ entry }: Outcome, { plan, spans }: Playing): { picture: number; all: number } {
  const of = (stream: number | undefined) => (stream === undefined ? undefined : spans.get(stream));
  const picture = of(plan.picture?.stream);
  const heard = plan.audio.flatMap(({ stream }) => of(stream) ?? []);
  const shown = picture ?? heard[0];
  if (!shown) return { picture: 0, all: 0 };
  // A clock that starts again on the way tells nothing: there the packets follow one another.
  if (entry.classes.includes('discontinuity')) return { picture: shown.sum, all: shown.sum };
  return {
    picture: shown.to - shown.from,
    all: Math.max(shown.to, ...heard.map(({ to }) => to)) - shown.from,
  };
}

function checkLength(outcome: Outcome, playing: Playing): string[] {
  const seconds = secondsOut(playing);
  const { picture, all } = secondsIn(outcome, playing);
  const room = LENGTH_APART.seconds + LENGTH_APART.share * all;
  const lasts = `it lasts ${seconds.toFixed(2)} s`;
  if (seconds < picture - room) return [`${lasts}, the source's picture ${picture.toFixed(2)} s`];
  if (seconds > all + room) return [`${lasts}, the source ${all.toFixed(2)} s`];
  return seconds < all - room ? [`${lasts}, the source's sound goes on until ${all.toFixed(2)} s`] : [];
}

function checkSound({ entry }: Outcome, playing: Playing): string[] {
  const sounds = soundsOf(playing);
  return [
    ...(entry.audio.length > 0 && sounds.length === 0 ? ['the sound is missing'] : []),
    ...(entry.audio.length === 0 && sounds.length > 0 ? ['there is sound that the source has not'] : []),
    ...lateStarts(playing).map((lag) => `sound begins ${milliseconds(lag)} after the picture`),
    ...checkDrift(playing),
  ];
}

/** The first of several, and how many more. */
const told = (what: string, problems: readonly string[]): string[] =>
  problems.length === 0 ? [] : [`${what}, ${problems.length}: ${problems[0]}`];

/** Renditions that ffmpeg finds nothing in. */
const checkEmpty = (renditions: readonly Rendition[]): string[] =>
  renditions
    .filter(({ streams }) => streams.every(({ frames }) => frames === 0))
    .map(({ name }) => `nothing in ${name} can be decoded`);

/** Everything that is wrong; nothing where all is well. */
export function judge(outcome: Outcome): string[] {
  const { playing } = outcome;
  if (!playing) return checkEnd(outcome);
  return [
    ...checkEnd(outcome),
    ...checkPicture(outcome, playing),
    ...checkFrames(playing),
    ...checkLength(outcome, playing),
    ...checkSound(outcome, playing),
    ...checkEmpty(playing.renditions),
    ...told('conformance errors', playing.violations),
    ...told('decode errors', playing.decodeErrors),
  ];
}
