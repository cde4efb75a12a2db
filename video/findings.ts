/** Something notable about a source, and what was done about it: the table of their codes, and what carries them. */
import { z } from 'zod';

/** Every code that a finding can have, and when it is said. Published in docs/findings.md. */
export const FINDINGS = {
  'cut-off': 'The video ends well before the file says that it does.',
  'held-picture': 'The sound goes on where the picture ends; the last picture stays as long.',
  timestamps: 'The clock of the file jumps; its parts were put one after the other.',
  damaged: 'Pictures of the file could not be decoded, or only with faults.',
  turned: 'The picture is stored turned or mirrored and was made upright.',
  stretched: 'The pixels of the picture are not square; it was stretched to its right shape.',
  deinterlaced: 'The picture is interlaced; its fields were made into frames.',
  'interlaced-flag': 'The file says that the picture is interlaced, but its frames are whole.',
  'frame-rate':
    'The frames come at an uneven, wrong, too high or too low rate and were laid on a steady one.',
  'still-image': 'The picture is a single image that is shown for the whole time.',
  'tone-mapped': 'The picture has a high dynamic range and was converted to standard range.',
  colours: 'The colours are in another form than players take for granted and were converted to BT.709.',
  transparent: 'The picture has transparent parts, which are shown on black.',
  'picture-choice': 'The file has several video tracks; one of them was taken as the picture.',
  pruned: 'A size of the ladder looked no better than the next smaller one and was left out.',
  'no-audio': 'The file has no sound.',
  'audio-tracks': 'The file has more audio tracks than a stream may have; the last were left out.',
  'audio-channels': 'A track has many channels and does not say which is which; the first two were taken.',
  'broken-audio': 'An audio track could not be decoded and was left out.',
  'damaged-audio': 'Parts of an audio track could not be decoded and are silent.',
  'no-picture': 'The file has no picture; the stream is sound alone.',
  'bitmap-subtitles': 'A subtitle track is made of pictures and was left out.',
  'unknown-subtitles': 'A subtitle track is of a kind that can not be read and was left out.',
  'broken-subtitles': 'A subtitle track could not be read and was left out.',
  'empty-subtitles': 'A subtitle track has no text and was left out.',
  'no-download': 'The file for downloading could not be made.',
  'no-transcript': 'Subtitles could not be generated from the sound.',
  'no-pictures': 'Poster, thumbnails and storyboard could not be made.',
} as const satisfies Record<string, string>;

export type FindingCode = keyof typeof FINDINGS;

export const findingSchema = z.object({
  code: z.enum(Object.keys(FINDINGS) as [FindingCode, ...FindingCode[]]), // the table has entries
  /** A sentence or two in plain words, with the values that were seen. */
  text: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

/** Findings of several places as one list, in their order, each sentence once. */
export function mergeFindings(...lists: readonly (readonly Finding[])[]): Finding[] {
  return [...new Map(lists.flat().map((finding) => [`${finding.code} ${finding.text}`, finding])).values()];
}
