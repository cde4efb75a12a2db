/** Hands a browser a token for one upload. The platform's own token, which may do more, stays on this server. */
import { SpotreelClient } from 'spotreel/client';

/** The largest film that is taken: 5 GiB. */
const MAX_BYTES = 5 * 1024 ** 3;

export interface UploadPermit {
  /** Where the platform is. */
  readonly url: string;
  readonly token: string;
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see README.md`);
  return value;
}

export async function POST(): Promise<Response> {
  // Here your site asks who is signed in, and whether that person may upload.
  const url = setting('SPOTREEL_URL');
  const client = new SpotreelClient({ url, token: setting('SPOTREEL_TOKEN') });
  const { token } = await client.createUploadToken({ maxBytes: MAX_BYTES });
  return Response.json({ url, token } satisfies UploadPermit);
}
