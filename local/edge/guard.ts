/** The function that CloudFront runs before the videos: which object a path leads to, or none. */
import { createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { runInNewContext } from 'node:vm';
import { guardScript } from '../../web/files.ts';
import type { EdgeStore } from '../key-value-store/key-value-store.ts';
import { type Answer, sentence } from './answer.ts';

/** What CloudFront hands over, as much of it as the function reads. */
export interface GuardEvent {
  readonly viewer: { readonly ip: string };
  readonly request: {
    /** As the viewer sent it: CloudFront decodes nothing. */
    readonly uri: string;
    readonly headers: { readonly referer?: { readonly value: string } };
  };
}

type Guarded = { readonly uri: string } | { readonly statusCode: number; readonly statusDescription: string };

/** The function by itself. @param store what it finds in the key-value store */
export function guardFunction(store: EdgeStore): (event: GuardEvent) => Promise<Guarded> {
  // The source defines `handler`, and that is of this type, as its tests show.
  return runInNewContext(`${guardScript()}; handler`, { crypto: { createHmac }, store });
}

/** Tells which object of the production bucket a request may have, by its key, or what it is answered. */
export function openGuard(store: EdgeStore): (request: IncomingMessage) => Promise<string | Answer> {
  const guard = guardFunction(store);
  return async ({ url = '', headers: { referer }, socket }) => {
    const [uri = ''] = url.split('?');
    const headers = referer === undefined ? {} : { referer: { value: referer } };
    const guarded = await guard({ viewer: { ip: socket.remoteAddress ?? '' }, request: { uri, headers } });
    if ('uri' in guarded) return guarded.uri.slice(1);
    return sentence(guarded.statusCode, guarded.statusDescription);
  };
}
