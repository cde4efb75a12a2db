/**
 * Why a video can end as `failed`: one published table. The sentence tells the owner what is wrong and what to do.
 */
export const FAILURES = {
  empty: 'The file is empty. Upload it again.',
  'not-a-video':
    'The file is not a video that can be read. Check that it plays on your computer, then upload it again.',
  incomplete:
    'The file is cut off: its index is missing. The copy or recording was not finished; upload the whole file.',
  'no-video-stream': 'The file has neither picture nor sound. Upload a file that has a video or audio track.',
  encrypted:
    'The file is encrypted (DRM). Only who has the key can decode it: upload a copy without protection.',
  'unsupported-codec':
    'The picture in the file is coded in a way that this platform can not decode. Export it again as H.264 in an MP4 file and upload that.',
  undecodable:
    'The picture in the file can not be decoded. Export it again as H.264 in an MP4 file and upload that.',
  'undecodable-sound':
    'The sound in the file can not be decoded. Export it again as AAC, MP3 or WAV and upload that.',
  'unsupported-colours':
    'The colours of the picture are coded in a way that can not be converted. Export it as HDR10, HLG or SDR and upload that.',
  'too-long':
    'The video is longer than this platform allows. Cut it into parts, or have the owner raise the limit.',
  'too-large':
    'The picture is larger than this platform allows. Export it smaller, or have the owner raise the limit.',
  'file-too-large':
    'The file is larger than this platform allows. Export it at a lower bit rate, or have the owner raise the limit.',
  'too-many-tracks':
    'The file has more tracks than this platform allows. Export it with those that matter, or have the owner raise the limit.',
  'too-many-frames':
    'The video has more pictures than this platform allows. Cut it into parts, or have the owner raise the limit.',
  'too-much-metadata':
    'The file carries far more tags or chapters than any video needs. Export it again without them and upload that.',
  'source-changed':
    'The file was replaced or deleted while it was being encoded. Upload it again under a new name.',
  superseded: 'The video was asked for anew before this encode was finished.',
  'timed-out':
    'Encoding did not end within the time for a file of this size. See whether the account gets machines, then retry the video.',
  unreadable:
    'What this platform keeps of the video was written by another version of it and can not be read. Have the owner see the log, or delete the video.',
  'gave-up':
    'Encoding failed again and again. Retry the video, or report it: the platform’s log has the last error.',
} as const satisfies Record<string, string>;

export type FailureCode = keyof typeof FAILURES;

/** A source that can not become a video, however often it is tried. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: FailureCode;

  /** @param detail what was seen, with the value: it follows the table's sentence */
  constructor(code: FailureCode, detail?: string) {
    super(detail === undefined ? FAILURES[code] : `${FAILURES[code]} (${detail})`);
    this.code = code;
  }
}
