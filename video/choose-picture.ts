/** Which of a file's video streams is the picture: files carry covers, thumbnails and second angles beside it. */

/** What the choice depends on, of a stream of ffprobe. */
export interface Candidate {
  readonly codec_name?: string | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly nb_frames?: string | undefined;
  readonly duration?: string | undefined;
  readonly disposition?: Readonly<Record<string, number>> | undefined;
}

/** Streams that stand for the whole file, such as a cover, and are never its picture. */
const BESIDE = ['attached_pic', 'timed_thumbnails'];

/** Codecs of single images, in which covers come that no disposition marks (some Matroska and MP4 files). */
const IMAGE_CODECS = /^(mjpeg|png|bmp|gif|webp|tiff)$/;

/** Whether a stream may be a cover: an image codec with one frame, or with nobody knows how many. */
const maybeCover = ({ codec_name, nb_frames }: Candidate): boolean =>
  IMAGE_CODECS.test(codec_name ?? '') && Number(nb_frames ?? 1) <= 1;

const area = ({ width = 0, height = 0 }: Candidate): number => width * height;
const seconds = ({ duration }: Candidate): number => Number(duration) || 0;

/** What sets candidates apart, the most telling first; larger is better. */
const MERITS: ReadonlyArray<(stream: Candidate) => number> = [
  (stream) => (maybeCover(stream) ? 0 : 1),
  (stream) => stream.disposition?.['default'] ?? 0,
  area,
  seconds,
];

/** The streams that can be the picture, the best first; equally good ones stay in the file's order. */
export function picturesByMerit<T extends Candidate>(streams: readonly T[]): T[] {
  const possible = streams.filter(
    (stream) =>
      stream.codec_name !== undefined &&
      area(stream) > 0 &&
      !BESIDE.some((kind) => stream.disposition?.[kind]),
  );
  return possible.toSorted((a, b) => {
    const difference = MERITS.map((merit) => merit(b) - merit(a)).find((found) => found !== 0);
    return difference ?? 0;
  });
}
