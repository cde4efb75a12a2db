/** Every problem that the API answers with, as problem details (RFC 9457). `type` leads to the page of this table. */

import type { RefusedError } from '../jobs/refused.ts';

/** Codes, which are part of the API: they never change their meaning. */
export const PROBLEMS = {
  'invalid-request': {
    status: 400,
    title: 'The request is not usable',
    advice: 'Each of `errors` names a field and says what is wrong with it.',
  },
  unauthenticated: {
    status: 401,
    title: 'Who asks is not known',
    advice: 'Send a token: `Authorization: Bearer spr_…`. It may be mistyped, revoked or expired.',
  },
  forbidden: {
    status: 403,
    title: 'This token may not do that',
    advice: 'Use a token with the scope that `detail` names.',
  },
  'not-found': {
    status: 404,
    title: 'Not found',
    advice:
      'There is no such thing, or it is not yours to see. GET /api/openapi.json lists what can be asked.',
  },
  conflict: {
    status: 409,
    title: 'That can not be done as things are',
    advice: '`detail` says what is in the way.',
  },
  'parts-missing': {
    status: 409,
    title: 'The upload is not whole',
    advice: 'Send the parts that `missing` names, then complete it again.',
  },
  gone: {
    status: 410,
    title: 'It was deleted',
    advice: 'Create a new upload.',
  },
  'too-large': {
    status: 413,
    title: 'Too large',
    advice: '`detail` names the limit.',
  },
  'unsupported-media-type': {
    status: 415,
    title: 'The body is of another type than it should be',
    advice: 'Send JSON, with `Content-Type: application/json`.',
  },
  'idempotency-mismatch': {
    status: 422,
    title: 'This Idempotency-Key was used for another request',
    advice: 'Give each request a key of its own; only a repetition has the key of the one before.',
  },
  'unusable-file': {
    status: 422,
    title: 'The file is not usable',
    advice: '`detail` says what it should be.',
  },
  'too-many-requests': {
    status: 429,
    title: 'Too much at once',
    advice:
      'Wait for the seconds of `Retry-After`. `quota` says what is used up: its limit, and how much is used.',
  },
  unavailable: {
    status: 503,
    title: 'What the answer needs is away',
    advice: 'Try again after the seconds of `Retry-After`; `detail` names what did not answer.',
  },
  internal: {
    status: 500,
    title: 'The platform failed',
    advice: 'Try again; if it stays so, the log of the API’s function says why.',
  },
} as const satisfies Record<string, { status: number; title: string; advice: string }>;
export type ProblemCode = keyof typeof PROBLEMS;

/** Where the page of the table is. */
export const PROBLEMS_PATH = '/api/problems';

export interface FieldError {
  /** RFC 6901: where in the body; or `?name` of the query, `{name}` of the path, `name:` of the headers. */
  readonly field: string;
  readonly message: string;
}

/** What else an answer tells. */
export interface ProblemExtras {
  readonly errors?: readonly FieldError[];
  /** Numbers of parts. */
  readonly missing?: readonly number[];
  /** Which quota is used up, and how much of it. */
  readonly quota?: { readonly of: string; readonly used: number; readonly limit: number };
  /** Seconds, for the header of that name. */
  readonly retryAfter?: number;
}

/** A request that ends with a problem. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly extras: ProblemExtras;

  /** @param detail a sentence about this very request, with its values */
  constructor(code: ProblemCode, detail: string, extras: ProblemExtras = {}) {
    super(detail);
    this.code = code;
    this.extras = extras;
  }
}

/** What some work gives, with its refusals as problems. */
export async function orProblem<Code extends string, T>(
  kind: new (code: Code, message: string) => RefusedError<Code>,
  problemOf: Readonly<Record<Code, ProblemCode>>,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof kind)) throw error;
    throw new ProblemError(problemOf[error.code], error.message);
  }
}

/** The answer to a request that ends with a problem. */
export function problemResponse({ code, message, extras }: ProblemError): Response {
  const { retryAfter, ...members } = extras;
  const { status, title } = PROBLEMS[code];
  const body = { type: `${PROBLEMS_PATH}#${code}`, title, status, detail: message, ...members };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(retryAfter !== undefined && { 'retry-after': String(Math.ceil(retryAfter)) }),
      // RFC 6750, 3: what kind of credentials would do.
      ...(code === 'unauthenticated' && { 'www-authenticate': 'Bearer realm="spotreel"' }),
    },
  });
}

/** The page that the `type` of every problem leads to. */
export function problemsPage(): string {
  const sections = Object.entries(PROBLEMS).map(
    ([code, { status, title, advice }]) =>
      `<section id="${code}"><h2><code>${code}</code> (${status})</h2><p>${title}. ${advice}</p></section>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Problems of the Spotreel API</title></head>
<body><main><h1>Problems of the Spotreel API</h1>
${sections.join('\n')}
</main></body></html>
`;
}
