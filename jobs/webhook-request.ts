/**
 * One request to somebody else's server. Where it goes was said by a person who may mean harm: to addresses inside the
 * platform's own network, or to the metadata of the machine. So the address is checked that is connected to, not the
 * name; no redirect is followed; and of the answer only the status is read.
 */
import { type LookupAddress, lookup } from 'node:dns';
import http from 'node:http';
import https from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { z } from 'zod';
import { isLoopbackAddress, isPublicAddress } from './public-address.ts';

/**
 * Where webhooks may go. `public`: HTTPS, to addresses of the public Internet. `loopback`: also to this machine itself, and
 * by plain HTTP, for a platform that runs on its owner's laptop.
 */
export const reachSchema = z.enum(['public', 'loopback']);
export type Reach = z.infer<typeof reachSchema>;

/** Milliseconds that a receiver may take; the upper end of what the spec advises. */
const TIMEOUT_MS = 15_000;

const mayReach = (address: string, reach: Reach): boolean =>
  isPublicAddress(address) || (reach === 'loopback' && isLoopbackAddress(address));

const addressOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** What is wrong with a URL as an endpoint; undefined where nothing is that can be told without a request. */
export function endpointProblem(url: URL, reach: Reach): string | undefined {
  const schemes = reach === 'loopback' ? ['https:', 'http:'] : ['https:'];
  if (!schemes.includes(url.protocol)) return `must begin with ${schemes.join('// or ')}//`;
  if (url.username || url.password) return 'must not have a name or a password in it';
  const address = addressOf(url);
  if (isIP(address) > 0 && !mayReach(address, reach))
    return `leads to ${address}, which is no public address`;
  return undefined;
}

/** Resolves names as Node does, but to addresses that may be reached alone. */
const guarded =
  (reach: Reach): LookupFunction =>
  (hostname, options, callback) =>
    lookup(hostname, { ...options, all: true }, (error, found: readonly LookupAddress[] = []) => {
      if (error) return callback(error, []);
      const allowed = found.filter(({ address }) => mayReach(address, reach));
      const [first] = allowed;
      if (!first) return callback(new UnreachableError(`${hostname} leads to no public address`), []);
      return options.all ? callback(null, allowed) : callback(null, first.address, first.family);
    });

/** A request that had no answer; the message is fit for the endpoint's owner. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';
}

/** An error of Node's as a sentence without its words, which tell of our side. */
function unreachable(error: NodeJS.ErrnoException): UnreachableError {
  if (error instanceof UnreachableError) return error;
  return new UnreachableError(`It could not be reached: ${error.code ?? error.name}`);
}

/**
 * POSTs a body.
 * @returns the status of the answer
 * @throws an `UnreachableError` where there is none within 15 seconds, or none may be asked for
 */
export async function postWebhook(
  url: URL,
  headers: Readonly<Record<string, string>>,
  body: string,
  reach: Reach,
): Promise<number> {
  // Node asks no `lookup` for a URL that has an address in place of a name.
  const problem = endpointProblem(url, reach);
  if (problem !== undefined) throw new UnreachableError(`The URL ${problem}`);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const { request } = url.protocol === 'https:' ? https : http;
  const call = request(url, { method: 'POST', headers, agent: false, lookup: guarded(reach), signal });
  call.once('response', (response) => {
    resolve(response.statusCode ?? 0);
    response.destroy();
  });
  call.on('error', (error) =>
    reject(
      signal.aborted
        ? new UnreachableError(`It did not answer within ${TIMEOUT_MS / 1000} seconds`)
        : unreachable(error),
    ),
  );
  call.end(body);
  return promise;
}
