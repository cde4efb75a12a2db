/** Who may see what machines cost, and who may lift the ceilings. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { dayOf, type Ledger } from '../../jobs/ledger.ts';
import { LEDGER_KEY } from '../../jobs/names.ts';
import { startTestApi, type TestApi } from '../support/api.ts';

let api: TestApi;
const tokens = { upload: '', read: '', admin: '' };
const today = dayOf(Date.now());
const HELD: Ledger = { days: { [today]: 12 }, running: {}, held: { by: 'daily', day: today, usdPerHour: 1 } };
const SHOWN = { today: 12, month: 12, dailyCeiling: 10, resumed: false, heldBy: 'daily' };

beforeAll(async () => {
  api = await startTestApi();
  for (const scope of ['upload', 'read', 'admin'] as const) tokens[scope] = await api.token(scope);
});
afterAll(() => api.close());
beforeEach(() => api.context.stores.uploads.putJson(LEDGER_KEY, HELD));

test.each([
  [undefined, 401],
  ['upload', 403],
  ['read', 200],
  ['admin', 200],
] as const)('with the scope %s, a look at it is answered %i', async (scope, status) => {
  const reply = await api.ask('GET', '/api/spending', scope && tokens[scope]);
  expect(reply.status).toBe(status);
  if (status === 200) expect(reply.body).toEqual(SHOWN);
});

test.each([
  [undefined, 401],
  ['upload', 403],
  ['read', 403],
] as const)('with the scope %s, lifting the ceilings is refused with %i', async (scope, status) => {
  const reply = await api.ask('POST', '/api/spending/resume', scope && tokens[scope]);
  expect(reply.status).toBe(status);
  expect((await api.ask('GET', '/api/spending', tokens.read)).body).toEqual(SHOWN);
});

test('an admin lifts them, as often as they like', async () => {
  const { heldBy, ...lifted } = { ...SHOWN, resumed: true };
  for (let times = 0; times < 2; times++) {
    const reply = await api.ask('POST', '/api/spending/resume', tokens.admin);
    expect([reply.status, reply.body]).toEqual([200, lifted]);
  }
});

test('without a ledger nothing was spent, and nothing holds', async () => {
  await api.context.stores.uploads.delete(LEDGER_KEY);
  const { body } = await api.ask('GET', '/api/spending', tokens.read);
  expect(body).toEqual({ today: 0, month: 0, dailyCeiling: 10, resumed: false });
});
