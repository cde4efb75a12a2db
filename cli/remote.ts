/** Commands that speak to a platform over HTTP: `retry`, `reencode`, `rollback`. */

/** What a problem (RFC 9457) says, or the status where it says nothing. */
async function problemOf(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => undefined);
  const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : undefined;
  return typeof detail === 'string' ? detail : `${response.url} answered ${response.status}`;
}

/**
 * Asks a platform to do something with a video.
 * @param url of the platform, as `spotreel local` prints it
 * @returns the answer, as the API gave it
 * @throws an `Error` with the platform's reason where it refuses, or with the address where it does not answer
 */
export async function act(url: string, id: string, action: string, body: object): Promise<unknown> {
  const target = new URL(`/api/videos/${encodeURIComponent(id)}/${action}`, url);
  let response: Response;
  try {
    response = await fetch(target, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
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
