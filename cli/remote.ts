/** Commands that speak to a platform over HTTP: `retry`, `reencode`, `rollback`, `subtitles`. */

/** What a problem (RFC 9457) says, or the status where it says nothing. */
async function problemOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : undefined;
  return typeof detail === 'string' ? detail : `${response.url} answered ${response.status}`;
}

/** Asks a platform. Throws an `Error` with its reason where it refuses, or with its address where it does not answer. */
async function ask(target: URL, init: RequestInit): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(target, init);
  } catch (cause) {
    throw new Error(
      `Nothing answers at ${target.origin}; start it with npm start, or name another with --url`,
      {
        cause,
      },
    );
  }
  if (!response.ok) throw new Error(await problemOf(response));
  return response.json();
}

const pathOf = (id: string, rest: string): string => `/api/videos/${encodeURIComponent(id)}/${rest}`;

/**
 * Asks a platform to do something with a video.
 * @param url of the platform, as `spotreel local` prints it
 * @returns the answer, as the API gave it
 */
export function act(url: string, id: string, action: string, body: object): Promise<unknown> {
  return ask(new URL(pathOf(id, action), url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

/** The type of a file's request: one that a page of another site may not send. */
const BYTES = { 'content-type': 'application/octet-stream' };

/** Adds a subtitle file to a video. @param said language, name, kind and whether it is the default */
export function addSubtitles(
  url: string,
  id: string,
  said: Readonly<Record<string, string>>,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<unknown> {
  const target = new URL(pathOf(id, `subtitles?${new URLSearchParams(said)}`), url);
  return ask(target, { method: 'POST', headers: BYTES, body: bytes });
}

/** The subtitles that were added to a video. */
export function listSubtitles(url: string, id: string): Promise<unknown> {
  return ask(new URL(pathOf(id, 'subtitles'), url), {});
}

/** Takes added subtitles away. */
export function removeSubtitles(url: string, id: string, track: string): Promise<unknown> {
  const target = new URL(pathOf(id, `subtitles/${encodeURIComponent(track)}`), url);
  return ask(target, { method: 'DELETE', headers: BYTES });
}
