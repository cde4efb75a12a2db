/** Who asks, and what they may do. */
import type { VideoId } from '../jobs/names.ts';
import type { Scope } from '../jobs/tokens.ts';
import { ProblemError } from './problems.ts';

/** The one upload that an upload token is for. */
export interface UploadGrant {
  readonly video: VideoId;
  readonly maxBytes: number;
  /** What the upload must say of itself where it is given here. */
  readonly fileName?: string | undefined;
  readonly type?: string | undefined;
  readonly title?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface Principal {
  /** Names them in quotas and idempotency: `token:…`, `oidc:…`, `anyone`. */
  readonly id: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Only this upload, whatever the scopes. */
  readonly grant?: UploadGrant;
}

/** Finds out who sent a request; undefined for nobody in particular. Throws a `ProblemError` on a token that is no good. */
export type Authenticate = (request: Request) => Promise<Principal | undefined>;

export const mayAll = (scopes: ReadonlySet<Scope>, scope: Scope): boolean =>
  scopes.has(scope) || scopes.has('admin');

/** Throws a `ProblemError` where somebody may not do what a scope is for. An upload token has no scope at all. */
export function requireScope(who: Principal | undefined, scope: Scope): Principal {
  if (!who) throw new ProblemError('unauthenticated', `This needs a token with the scope '${scope}'`);
  if (!mayAll(who.scopes, scope))
    throw new ProblemError('forbidden', `This needs a token with the scope '${scope}'`);
  return who;
}

/** Throws a `ProblemError` where somebody may not take part in an upload. @param video undefined for a new one */
export function requireUpload(who: Principal | undefined, video: VideoId | undefined): Principal {
  if (!who?.grant) return requireScope(who, 'upload');
  if (video !== undefined && video !== who.grant.video)
    throw new ProblemError('forbidden', `This token is for the upload ${who.grant.video} alone`);
  return who;
}
