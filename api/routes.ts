/** What all routes share: their refusals in the document, their bodies, and the app that they are added to. */
import { OpenAPIHono, z as zod } from '@hono/zod-openapi';
import type { z } from 'zod';
import type { ApiEnv } from './context.ts';
import { type FieldError, PROBLEMS, type ProblemCode, ProblemError } from './problems.ts';
import { problemSchema, videoIdSchema } from './schemas.ts';

const json = <T extends z.ZodType>(schema: T) => ({ 'application/json': { schema } });

/** A request body of JSON. */
export const body = <T extends z.ZodType>(schema: T) => ({ body: { required: true, content: json(schema) } });

/** An answer of JSON. */
export const answer = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: json(schema),
});

/** The problems that every route may answer with. */
const COMMON = [
  'invalid-request',
  'unauthenticated',
  'forbidden',
  'too-many-requests',
  'internal',
  'unavailable',
] as const;

/** The refusals of a route, by their status, for the document. */
export function refusals(...codes: readonly ProblemCode[]) {
  const statuses = new Map<number, string[]>();
  for (const code of [...COMMON, ...codes]) {
    const { status } = PROBLEMS[code];
    statuses.set(status, [...(statuses.get(status) ?? []), `\`${code}\``]);
  }
  return Object.fromEntries(
    [...statuses].map(([status, names]) => [
      status,
      { description: names.join(', '), content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  );
}

/** The path parameter of every route that is about one video or upload. */
export const idParam = { params: zod.object({ id: videoIdSchema }) };

/** Where a field is, by the part of the request: the body's by JSON pointer (RFC 6901). */
const PLACES: Readonly<Record<string, (path: readonly PropertyKey[]) => string>> = {
  json: (path) => path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
  query: ([name]) => `?${String(name)}`,
  param: ([name]) => `{${String(name)}}`,
  header: ([name]) => `${String(name)}:`,
};

interface Issue {
  readonly code?: string | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** Each thing that is wrong with a request, with its place. */
function fieldErrors(target: string, issues: readonly Issue[]): FieldError[] {
  const place = PLACES[target] ?? PLACES['json'];
  return issues.flatMap((issue) => {
    const paths =
      issue.code === 'unrecognized_keys'
        ? (issue.keys ?? []).map((key) => [...issue.path, key])
        : [issue.path];
    return paths.map((path) => ({ field: place?.(path) ?? '', message: issue.message }));
  });
}

/** Throws what is wrong with a request. */
export function refuse(target: string, issues: readonly Issue[]): never {
  const errors = fieldErrors(target, issues);
  const detail = errors.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join('; ');
  throw new ProblemError('invalid-request', detail, { errors });
}

/** An app without routes, in which what does not fit a schema is refused. */
export const newApp = () =>
  new OpenAPIHono<ApiEnv>({
    defaultHook: (result) => {
      if (!result.success) refuse(result.target, result.error.issues as readonly Issue[]); // zod's, of either version
    },
  });
