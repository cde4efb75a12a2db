/**
 * What who follows a video is told, and under which topic. Pure, and nothing of Node: publishers, the API and clients
 * in browsers share it.
 */
import { z } from 'zod';

const findingSchema = z.object({ code: z.string(), text: z.string() });

/** One message: how an encode of a video stands. Each is whole, for a late subscriber gets the last one only. */
export const liveSchema = z.object({
  /** Of the video. */
  id: z.string(),
  /** Which encode this tells of; none where a video is deleted. */
  revision: z.string().optional(),
  state: z.enum(['uploading', 'queued', 'encoding', 'ready', 'failed', 'deleted']),
  /** 0 to 100, of the media made, parts of chunks included; never above what is true, so of several the largest counts. */
  percent: z.number().min(0).max(100),
  /** Seconds of the finished video that are encoded. */
  encodedSeconds: z.number().nonnegative().optional(),
  durationSeconds: z.number().nonnegative().optional(),
  /** Seconds of video that are encoded in a second, by all machines together. */
  speed: z.number().nonnegative().optional(),
  /** Machines that run. */
  machines: z.int().nonnegative().optional(),
  /** Seconds until it can be played, as far as a worker that has the plan can foresee. */
  secondsLeft: z.number().nonnegative().optional(),
  findings: z.array(findingSchema).readonly().default([]),
  /** Path of the multivariant playlist below the playback domain; the API alone has that of a private video. */
  playbackUrl: z.string().optional(),
  /** What plays there is the beginning, and grows while the rest is encoded. */
  early: z.literal(true).optional(),
  /** ISO 8601: when it stood so, by the clock of who tells. */
  at: z.iso.datetime().optional(),
  failure: z.object({ code: z.string(), message: z.string() }).optional(),
});
export type Live = z.infer<typeof liveSchema>;

/** What stands for every video, in place of an id: MQTT's wildcard of one level. */
export const EVERY_VIDEO = '+';

/** The topic of a video. @param prefix of the platform: `spotreel/<platform>` */
export const liveTopic = (prefix: string, video: string): string => `${prefix}/videos/${video}`;

/** Whether nothing more will come of an encode by itself. */
export const hasEnded = ({ state }: Pick<Live, 'state'>): boolean =>
  state === 'ready' || state === 'failed' || state === 'deleted';
