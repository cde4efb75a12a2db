/** Every endpoint, sent what its document does not allow, and what it does: never a 5xx, refusals always a problem. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { documentOf } from '../../api/app.ts';
import { PROBLEMS } from '../../api/problems.ts';
import { problemSchema } from '../../api/schemas.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

const RUNS = 60;

let api: TestApi;
let admin: string;

beforeAll(async () => {
  api = await startTestApi();
  admin = await api.token('admin');
});
afterAll(() => api.close());

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
}
interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

// The document is OpenAPI 3.1's; only what is read of it is declared.
const document = (): Document => JSON.parse(JSON.stringify(documentOf(api.app)));

const NASTY = fc.constantFrom(
  '',
  '0',
  '../../etc/passwd',
  '%00',
  'a\u0000b',
  '\ud800',
  '__proto__',
  'constructor',
  "'; DROP TABLE videos; --",
  '<script>alert(1)</script>',
  '\u202etxt.exe',
  '🐈'.repeat(300),
  'x'.repeat(70_000),
);
const anything = fc.oneof(
  NASTY,
  fc.string({ unit: 'binary' }),
  fc.jsonValue(),
  fc.double(),
  fc.constant(null),
);

/** Values that a schema allows, or nearly. */
function nearlyOf(document: Document, schema: Schema | undefined, depth = 0): fc.Arbitrary<unknown> {
  if (!schema || depth > 4) return anything;
  const name = schema.$ref?.split('/').at(-1);
  if (name !== undefined) return nearlyOf(document, document.components.schemas[name], depth + 1);
  const near = () => {
    if (schema.enum) return fc.constantFrom(...schema.enum);
    if (schema.properties) {
      const members = Object.entries(schema.properties).map(([key, value]) => [
        key,
        nearlyOf(document, value, depth + 1),
      ]);
      return fc.record(Object.fromEntries(members), { requiredKeys: [] });
    }
    if (schema.type === 'array')
      return fc.array(nearlyOf(document, schema.items, depth + 1), { maxLength: 4 });
    if (schema.type === 'integer' || schema.type === 'number') {
      const { minimum = -10, maximum = 1e15 } = schema;
      return fc.oneof(fc.constantFrom(minimum, maximum, minimum - 1, maximum + 1, 0.5), fc.integer());
    }
    return fc.oneof(fc.constantFrom('a.mp4', 'video/mp4', 'en', '0'.repeat(20)), NASTY, fc.string());
  };
  return fc.oneof({ weight: 4, arbitrary: near() }, { weight: 1, arbitrary: anything });
}

const requestOf = (document: Document, path: string, { parameters = [], requestBody }: Operation) => {
  const word = fc.oneof(NASTY, fc.string(), fc.constant('0'.repeat(20)));
  const params = parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name);
  const query = parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  return fc.record({
    path: fc
      .tuple(...params.map(() => word))
      .map((words) =>
        params.reduce((made, name, index) => made.replace(`{${name}}`, segmentOf(words[index] ?? '')), path),
      ),
    query: fc.record(Object.fromEntries(query.map((name) => [name, word])), { requiredKeys: [] }),
    body: requestBody
      ? nearlyOf(document, requestBody.content['application/json']?.schema)
      : fc.option(anything, { nil: undefined }),
    contentType: fc.constantFrom(
      'application/json',
      'application/json',
      'text/plain',
      'application/json; charset=x',
      '',
    ),
    raw: fc.option(fc.string(), { nil: undefined, freq: 10 }),
    token: fc.constantFrom('good', 'good', 'good', 'none', 'bad'),
  });
};

const segmentOf = (word: string) => encodeURIComponent(word.toWellFormed()) || '-';

const OPERATIONS = [
  ...['/api/uploads', '/api/uploads/{id}', '/api/uploads/{id}/parts', '/api/uploads/{id}/complete'],
  ...['/api/videos', '/api/videos/{id}', '/api/videos/{id}/retry', '/api/videos/{id}/reencode'],
  ...['/api/videos/{id}/rollback', '/api/videos/{id}/subtitles', '/api/videos/{id}/subtitles/{track}'],
  ...['/api/videos/{id}/poster', '/api/videos/{id}/trace'],
  ...['/api/webhooks', '/api/webhooks/{id}', '/api/webhooks/{id}/secret', '/api/webhooks/{id}/test'],
  ...['/api/webhooks/{id}/undelivered', '/api/webhooks/{id}/replay'],
  ...['/api/oembed', '/api/live', '/api/tokens', '/api/tokens/{id}', '/api/upload-tokens'],
  ...['/api/videos/{id}/playback-tokens', '/api/playback-keys', '/api/spending', '/api/spending/resume'],
];

test('the document names every endpoint', () => {
  expect(Object.keys(document().paths).sort()).toEqual([...OPERATIONS].sort());
});

test.each(OPERATIONS)(
  '%s answers whatever it is sent with what the document says, or a problem',
  async (path) => {
    const described = document();
    for (const [method, operation] of Object.entries(described.paths[path] ?? {})) {
      const property = fc.asyncProperty(requestOf(described, path, operation), async (request) => {
        const { query, body, contentType, raw, token } = request;
        const search = new URLSearchParams(
          Object.entries(query).map(([name, value]): [string, string] => [
            name,
            String(value).toWellFormed(),
          ]),
        );
        const text = raw ?? JSON.stringify(body);
        const bearer = { good: `Bearer ${admin}`, bad: 'Bearer nonsense', none: '' }[token];
        const response = await api.app.request(`${request.path}?${search}`, {
          method: method.toUpperCase(),
          headers: {
            ...(bearer && { authorization: bearer }),
            ...(contentType && { 'content-type': contentType }),
          },
          ...(method !== 'get' && text !== undefined && { body: text }),
        });
        const about = `${method} ${request.path}?${search} ${text?.slice(0, 500)}`;
        expect([about, response.status < 500]).toEqual([about, true]);
        if (response.status < 400) return;
        expect([about, response.headers.get('content-type')]).toEqual([about, 'application/problem+json']);
        const problem = problemSchema
          .extend({ type: z.string().startsWith('/api/problems#') })
          .parse(await response.json());
        expect(Object.keys(PROBLEMS)).toContain(problem.type.split('#')[1]);
        expect(problem.status).toBe(response.status);
      });
      await fc.assert(property, { numRuns: RUNS });
    }
  },
);

test('every field that is wrong is named', async () => {
  const body = { fileName: '', size: 1.5, type: 'text/html', options: { rungs: [{ height: 1 }] }, more: 1 };
  const { status, body: problem } = await api.ask('POST', '/api/uploads', admin, body);
  expect(status).toBe(400);
  const fields = problem.errors.map(({ field }: { field: string }) => field);
  expect(new Set(fields)).toEqual(
    new Set([
      '/fileName',
      '/size',
      '/type',
      '/options/rungs/0/height',
      '/options/rungs/0/crf',
      '/options/rungs/0/maxKbps',
      '/more',
    ]),
  );
});

test('without a token nothing is told but videos by their id, and health, document and problems', async () => {
  for (const path of ['/api/videos', '/api/tokens', `/api/uploads/${'0'.repeat(20)}`])
    expect((await api.ask('GET', path)).status).toBe(401);
  for (const path of ['/api/health', '/api/openapi.json', '/api/problems'])
    expect((await api.ask('GET', path)).status).toBe(200);
});
