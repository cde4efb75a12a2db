/** Where webhooks may go, and how little of an answer is taken: the receiver may mean harm. */
import { EventEmitter, once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

/** What every name leads to. */
let addresses: string[] = [];
const lookups = new EventEmitter();
jest.unstable_mockModule('node:dns', () => ({
  lookup(_name: string, _options: object, callback: (error: Error | null, found: object[]) => void) {
    lookups.emit('asked');
    const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    callback(null, found);
  },
}));
const { endpointProblem, postWebhook } = await import('../../jobs/webhook-request.ts');

let listener: RequestListener;
const server = createServer((request, response) => listener(request, response));
let url: URL;
beforeEach(async () => {
  listener = (_, response) => response.writeHead(204).end();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A server that listens has an address with a port.
  url = new URL(`http://receiver.example:${(server.address() as AddressInfo).port}/hook`);
  addresses = ['127.0.0.1'];
});
afterEach(async () => {
  jest.restoreAllMocks();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const post = (to: URL, reach: 'public' | 'loopback') => postWebhook(to, { 'x-test': 'yes' }, '{}', reach);

/** Addresses that belong to somebody's own network, machine or experiment, by what they are. */
const NOT_PUBLIC = [
  ['this host', '0.0.0.0'],
  ['loopback', '127.0.0.1'],
  ['the runtime API of Lambda, or anything else of loopback', '127.255.255.254'],
  ['a private network', '10.1.2.3'],
  ['a private network', '172.16.0.1'],
  ['a private network', '172.31.255.255'],
  ['a private network', '192.168.1.1'],
  ['a carrier’s network', '100.64.0.1'],
  ['instance metadata', '169.254.169.254'],
  ['a task’s metadata', '169.254.170.2'],
  ['protocols', '192.0.0.8'],
  ['documentation', '192.0.2.1'],
  ['documentation', '198.51.100.1'],
  ['documentation', '203.0.113.1'],
  ['6to4', '192.88.99.1'],
  ['benchmarks', '198.19.0.1'],
  ['multicast', '224.0.0.1'],
  ['reserved', '240.0.0.1'],
  ['broadcast', '255.255.255.255'],
  ['nowhere', '::'],
  ['loopback', '::1'],
  ['IPv4 within IPv6', '::ffff:169.254.169.254'],
  ['IPv4 within IPv6', '::ffff:7f00:1'],
  ['IPv4 within IPv6', '64:ff9b::a9fe:a9fe'],
  ['6to4', '2002:a9fe:a9fe::1'],
  ['Teredo', '2001::1'],
  ['documentation', '2001:db8::1'],
  ['documentation', '3fff::1'],
  ['a private network', 'fd00:ec2::254'],
  ['a link', 'fe80::1'],
  ['multicast', 'ff02::1'],
] as const;

describe('on AWS', () => {
  test.each(NOT_PUBLIC)('a name that leads to %s, %s, is refused', async (_, address) => {
    addresses = [address];
    const refused = post(new URL('https://receiver.example/'), 'public');
    await expect(refused).rejects.toThrow('receiver.example leads to no public address');
  });

  test.each(NOT_PUBLIC)('%s as the URL’s own address, %s, is refused', async (_, address) => {
    const host = address.includes(':') ? `[${address}]` : address;
    const to = new URL(`https://${host}/`);
    expect(endpointProblem(to, 'public')).toContain('which is no public address');
    await expect(post(to, 'public')).rejects.toThrow('which is no public address');
  });

  test.each([
    ['https://2130706433/', 'which is no public address'],
    ['https://0x7f.1/', 'which is no public address'],
    ['https://0251.0376.0251.0376/', 'which is no public address'],
    ['https://[0:0:0:0:0:ffff:7f00:1]/', 'which is no public address'],
    ['http://example.org/', 'must begin with https://'],
    ['ftp://example.org/', 'must begin with https://'],
    ['file:///etc/passwd', 'must begin with https://'],
    ['https://me:secret@example.org/', 'must not have a name or a password'],
  ])('%s: %s', async (text, problem) => {
    expect(endpointProblem(new URL(text), 'public')).toContain(problem);
    await expect(post(new URL(text), 'public')).rejects.toThrow(problem);
  });

  test.each(['https://example.org/hook', 'https://93.184.215.14/', 'https://[2606:2800:21f:cb07::1]:8443/'])(
    '%s is allowed',
    (text) => expect(endpointProblem(new URL(text), 'public')).toBeUndefined(),
  );
});

describe('on a laptop', () => {
  test('its own addresses are allowed, also by HTTP', async () => {
    expect(await post(url, 'loopback')).toBe(204);
    expect(await post(new URL(`http://127.0.0.1:${url.port}/`), 'loopback')).toBe(204);
  });

  test.each([['169.254.169.254'], ['192.168.1.1'], ['fd00:ec2::254']])(
    '%s is refused all the same',
    async (address) => {
      addresses = [address];
      await expect(post(url, 'loopback')).rejects.toThrow('leads to no public address');
    },
  );

  test('of several addresses only those are connected to that are allowed', async () => {
    addresses = ['10.1.2.3', '127.0.0.1'];
    expect(await post(url, 'loopback')).toBe(204);
  });

  test('the address that was checked is connected to: a name is looked up once', async () => {
    let asked = 0;
    lookups.on('asked', () => {
      asked += 1;
    });
    expect([await post(url, 'loopback'), asked]).toEqual([204, 1]);
    lookups.removeAllListeners();
  });
});

describe('of an answer', () => {
  test.each([200, 204, 301, 307, 404, 410, 500])('the status is told: %i', async (status) => {
    let requests = 0;
    listener = (_, response) => {
      requests += 1;
      response.writeHead(status, { location: url.href }).end();
    };
    expect([await post(url, 'loopback'), requests]).toEqual([status, 1]);
  });

  test('the body is not read to its end', async () => {
    const closed = Promise.withResolvers<boolean>();
    listener = (_, response) => {
      response.on('close', () => closed.resolve(response.writableFinished));
      response.writeHead(200).end(Buffer.alloc(64 * 1024 * 1024));
    };
    expect([await post(url, 'loopback'), await closed.promise]).toEqual([200, false]);
  });

  test('no more than 15 seconds are waited for it', async () => {
    const { timeout } = AbortSignal;
    const spy = jest.spyOn(AbortSignal, 'timeout').mockImplementation(() => timeout.call(AbortSignal, 50));
    listener = () => {}; // never answers
    await expect(post(url, 'loopback')).rejects.toThrow('It did not answer within 15 seconds');
    expect(spy).toHaveBeenCalledWith(15_000);
  });

  test('a connection that breaks is told without our side’s words', async () => {
    listener = (request) => request.socket.destroy();
    await expect(post(url, 'loopback')).rejects.toThrow(/^It could not be reached: ECONNRESET$/);
  });
});
