/** docs/api.md tells of every endpoint and every problem as the API itself does. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { z } from 'zod';
import { documentOf } from '../../api/app.ts';
import { PROBLEMS } from '../../api/problems.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

const page = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

/** The rows of the table under a heading, without its head. */
function tableUnder(heading: string): string[] {
  const [, section = ''] = page.split(`## ${heading}\n`);
  const [own = ''] = section.split('\n## ');
  return own.split('\n').filter((line) => line.startsWith('| `'));
}

test('its table of endpoints is that of the OpenAPI document', () => {
  const { paths } = z
    .object({ paths: z.record(z.string(), z.record(z.string(), z.object({ summary: z.string() }))) })
    .parse(JSON.parse(JSON.stringify(documentOf(api.app))));
  const rows = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(
      ([method, { summary }]) => `| \`${method.toUpperCase()} ${path}\` | ${summary} |`,
    ),
  );
  expect(tableUnder('Endpoints')).toEqual(rows);
});

test('the OpenAPI document may be asked for any number of times: nothing is kept of it', async () => {
  const { definitions } = api.app.openAPIRegistry;
  const before = definitions.length;
  for (let times = 0; times < 2; times++) await api.ask('GET', '/api/openapi.json');
  expect(api.app.openAPIRegistry.definitions).toHaveLength(before);
});

test('its table of problems is that of the problems’ page', () => {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, advice }]) => `| \`${code}\` | ${status} | ${title}. ${advice} |`,
  );
  expect(tableUnder('Problems')).toEqual(rows);
});
