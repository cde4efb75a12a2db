/** Playback tokens: the way to a private video, in the path, as `web/guard.js` reads it at the edge. */
import { createHmac } from 'node:crypto';
import type { VideoId } from './names.ts';
import { TOKEN_PATH } from './token-path.ts';

/** What signs tokens. */
export interface PlaybackKey {
  /** 8 hexadecimal digits. */
  readonly id: string;
  readonly secret: string;
}

/** What a token lets play, and whom. */
export interface PlaybackGrant {
  readonly video: VideoId;
  /** Seconds since 1970. */
  readonly expires: number;
  /** The only address that may use it, in its canonical form. */
  readonly ip?: string | undefined;
  /** The host, with its port where it has one, of the only site whose pages may play it. */
  readonly referrer?: string | undefined;
}

/** Makes a token. The same key and grant make the same token, so that what a browser keeps of it stays good. */
export function signPlayback(key: PlaybackKey, { video, expires, ip, referrer }: PlaybackGrant): string {
  const bounds = `${ip === undefined ? '' : 'i'}${referrer === undefined ? '' : 'r'}`;
  const said = [video, expires, bounds, ip ?? '', referrer ?? ''].join('\n');
  const mac = createHmac('sha256', key.secret).update(said).digest('base64url');
  return `${key.id}.${expires}.${bounds}.${mac}`;
}

/** The path of a published file, `/v/…`, with a token before it: what is relative to it keeps the token. */
export const withToken = (token: string, path: string): string => `${TOKEN_PATH}${token}${path}`;
