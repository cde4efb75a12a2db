/** How a ladder is encoded: every setting with its default. The parsed settings are part of a revision's hash. */
import { z } from 'zod';
import { transcribeSchema } from './text/tracks.ts';

/**
 * Capped constant quality a rung. `height` is the short side in pixels, `maxKbps` caps the bit rate over
 * `BUFFER_SECONDS`.
 */
export const rungSettingsSchema = z.object({
  height: z.int().min(16).max(4320),
  crf: z.number().min(0).max(51),
  maxKbps: z.number().positive(),
});
export type RungSettings = z.infer<typeof rungSettingsSchema>;

const DEFAULT_RUNGS: RungSettings[] = [
  { height: 2160, crf: 23, maxKbps: 15_500 },
  { height: 1440, crf: 23, maxKbps: 8500 },
  { height: 1080, crf: 23, maxKbps: 5500 },
  { height: 720, crf: 23, maxKbps: 3000 },
  { height: 480, crf: 23, maxKbps: 1500 },
  { height: 360, crf: 23, maxKbps: 900 },
  { height: 240, crf: 24, maxKbps: 450 },
];

/** Codecs of the picture. */
export const codecSchema = z.enum(['h264', 'hevc', 'av1']);
export type Codec = z.infer<typeof codecSchema>;

/** x264's and x265's speeds, of those that are worth choosing from. */
export const presetSchema = z.enum(['superfast', 'veryfast', 'faster', 'fast', 'medium', 'slow']);

/** Pixels that no picture may have, whatever the owner allows: decoders are told so, and stop there. */
export const MAX_PIXELS = 16_384 * 8192;

/** What is done about loudness. */
export const loudnessSchema = z.enum(['keep', 'normalise']);

/** How segments are encrypted. */
export const encryptionSchema = z.enum(['off', 'aes-128']);

/** Which rung the file for downloading is of: none, the highest, or the highest that is no larger than the one named. */
export const downloadSchema = z.union([z.enum(['off', 'highest']), z.string().regex(/^[1-9]\d{1,3}p$/)]);

export const encodeSettingsSchema = z
  .strictObject({
    /** The ladder's rungs; those above the source are left out. */
    rungs: z.array(rungSettingsSchema).min(1).default(DEFAULT_RUNGS),
    /** A ladder each. H.264 comes first and is always there, for it plays everywhere; the others are listed after it. */
    codecs: z
      .array(codecSchema)
      .min(1)
      .default(['h264'])
      .refine((codecs) => codecs[0] === 'h264', 'codecs must begin with h264: it is what plays everywhere')
      .refine((codecs) => new Set(codecs).size === codecs.length, 'codecs names a codec twice'),
    /**
     * High dynamic range is always made standard (BT.709); with `keep`, HDR10 and HLG also get HEVC rungs that keep it,
     * for displays that can show it.
     */
    hdr: z.enum(['tone-map', 'keep']).default('tone-map'),
    /** Whether sizes that look no better than the next smaller one are left out of a long video's ladder. */
    prune: z.boolean().default(true),
    /** The encoders' speed. `medium` costs 2.4 times `veryfast` for 4 to 12 % fewer bits (ENCODING.md). */
    preset: presetSchema.default('veryfast'),
    /** Seconds between key frames: Apple's rule 1.13 asks for 2. */
    gopSeconds: z.number().min(1).max(4).default(2),
    /** Seconds of a segment, a multiple of the GOP: Apple's rule 7.5 asks for 6. */
    segmentSeconds: z.number().min(2).max(12).default(6),
    /** Seconds that no chunk exceeds; within them the work decides (video/work.ts). */
    chunkSeconds: z.number().min(6).max(600).default(120),
    /** Seconds within which a video should be ready, where machines are to be had: fewer make shorter chunks. */
    turnaroundSeconds: z.number().min(30).max(86_400).default(300),
    /** Stereo AAC's bit rate. */
    audioKbps: z.int().min(32).max(320).default(128),
    /** 5.1 AAC's bit rate, for sources that have as many channels. */
    surroundKbps: z.int().min(96).max(960).default(320),
    /** `keep` the sound as loud as it is, or `normalise` it to -16 LUFS (EBU R 128). */
    loudness: loudnessSchema.default('keep'),
    /** Audio tracks that a stream may have; a file's further ones are left out. */
    maxAudioTracks: z.int().min(1).max(64).default(16),
    /** How subtitles are generated from what is said; without it there are none. */
    transcribe: transcribeSchema.exactOptional(),
    /** Files larger than this, in bytes, are refused; 12 hours at 24 Mbit/s by default. */
    maxBytes: z.int().positive().default(128e9),
    /** Files with more tracks than this, of whatever kind, are refused. */
    maxTracks: z.int().positive().default(64),
    /** Sources with more pictures than this are refused; 12 hours at 120 a second by default. */
    maxFrames: z
      .int()
      .positive()
      .default(12 * 3600 * 120),
    /** Widths of the thumbnails, in pixels; the widest is the poster. None: no pictures are made at all. */
    thumbnailWidths: z.array(z.int().min(16).max(3840)).max(10).default([320, 640, 1280]),
    /** Whether a file for downloading is made, an MP4 of one rung and the first sound. */
    download: downloadSchema.default('off'),
    /** How segments are encrypted, with a key that is where they are. `off` is as good as absent: both make one revision. */
    encryption: encryptionSchema.transform((given) => (given === 'off' ? undefined : given)).optional(),
    /** Sources longer than this, in seconds, are refused. */
    maxDurationSeconds: z
      .number()
      .positive()
      .default(12 * 3600),
    /** Sources with more pixels a frame than this are refused; 8K by default. */
    maxPixels: z
      .int()
      .positive()
      .max(MAX_PIXELS)
      .default(7680 * 4320),
  })
  .check(({ value, issues }) => {
    if (Math.round(value.segmentSeconds / value.gopSeconds) * value.gopSeconds !== value.segmentSeconds) {
      issues.push({
        code: 'custom',
        input: value,
        message: `segmentSeconds (${value.segmentSeconds}) must be a multiple of gopSeconds (${value.gopSeconds})`,
      });
    }
  });
export type EncodeSettings = z.infer<typeof encodeSettingsSchema>;

/** Seconds of `maxKbps` that a decoder's buffer holds (VBV). Two seconds keep peaks below twice the average. */
export const BUFFER_SECONDS = 2;

/** Every output has this audio sample rate, in Hz: the one rate that all devices play natively. */
export const AUDIO_RATE = 48_000;
/** Samples in an AAC frame (ISO/IEC 14496-3, 4.5.2.1.1). */
export const AAC_FRAME = 1024;

/** Raised when the same settings would give other bytes, so that old and new trees have other revisions. */
export const RECIPE_VERSION = 1;
