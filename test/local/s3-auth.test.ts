/** Who may: signatures in headers, presigned URLs and POST forms of the S3 emulator. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { parseS3Event } from '../../jobs/messages.ts';
import { eventually } from './support/processes.ts';
import {
  amzDate,
  BUCKET,
  codeOf,
  md5,
  newClient,
  OWNER,
  openBench,
  ROLE,
  scopeOf,
  sha256,
  sign,
  signedFetcher,
  signer,
} from './support/s3.ts';

const exec = promisify(execFile);
const MB = 1024 * 1024;
const Bucket = BUCKET;
const bench = await openBench();
const { s3, events, folder } = bench;
const { url } = bench.server;
const signedFetch = signedFetcher(url);
afterAll(() => bench.close());
beforeEach(() => {
  events.length = 0;
});

const get = async (Key: string, more: object = {}) => {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key, ...more }));
  return (await Body?.transformToString()) ?? '';
};
const named = (name: string) => expect.objectContaining({ name });

describe('who may', () => {
  test.each([
    ['an unknown key', { accessKeyId: 'NOBODY' }, 'InvalidAccessKeyId'],
    ['a wrong secret', { secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch'],
    ['a role without its session token', { ...ROLE, sessionToken: undefined }, 'InvalidToken'],
    ['a wrong session token', { ...ROLE, sessionToken: 'wrong' }, 'InvalidToken'],
  ])('%s is refused', async (_, credentials, code) => {
    await expect(
      newClient(url, credentials).send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' })),
    ).rejects.toEqual(named(code));
  });

  test('a role with its session token may', async () => {
    await newClient(url, ROLE).send(new PutObjectCommand({ Bucket, Key: 'role', Body: 'x' }));
  });

  test('an unsigned request is refused', async () => {
    expect((await fetch(`${url}/${Bucket}/a`)).status).toBe(403);
  });

  const presign = (more: object = {}, expiresIn = 60, options: object = {}) =>
    getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'uploads/a b+ü.mp4', ...more }), {
      expiresIn,
      ...options,
    });

  test('a presigned PUT works from plain curl, and S3 announces the key as it spells keys', async () => {
    const file = join(folder, 'curl.bin');
    await writeFile(file, 'by curl');
    const { stdout } = await exec('curl', [
      '-sS',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      '-T',
      file,
      await presign(),
    ]);
    expect(stdout).toBe('200');
    expect(await get('uploads/a b+ü.mp4')).toBe('by curl');
    await eventually(() => (events.length === 1 ? true : undefined));
    expect(JSON.parse(events[0] ?? '').Records[0].s3.object.key).toBe('uploads/a+b%2B%C3%BC.mp4');
    expect(parseS3Event(JSON.parse(events[0] ?? ''))).toEqual([
      expect.objectContaining({ key: 'uploads/a b+ü.mp4', size: 7, etag: md5('by curl') }),
    ]);
  });

  test.each([
    ['another key', (signed: string) => signed.replace('mp4', 'mov'), {}, 'SignatureDoesNotMatch'],
    [
      'a changed expiry',
      (signed: string) => signed.replace('Expires=60', 'Expires=600'),
      {},
      'SignatureDoesNotMatch',
    ],
    [
      'a changed signature',
      (signed: string) => signed.replace(/Signature=..../, 'Signature=0000'),
      {},
      'SignatureDoesNotMatch',
    ],
    [
      'another content type than was signed',
      (signed: string) => signed,
      { 'content-type': 'text/html' },
      'SignatureDoesNotMatch',
    ],
    [
      'a header that was not signed',
      (signed: string) => signed,
      { 'content-type': 'video/mp4', 'x-amz-meta-a': 'b' },
      'AccessDenied',
    ],
  ])('a presigned URL with %s is refused', async (_, change, headers, code) => {
    const signed = await presign({ ContentType: 'video/mp4' }, 60, {
      signableHeaders: new Set(['content-type']),
    });
    const response = await fetch(change(signed), {
      method: 'PUT',
      body: 'x',
      headers: { 'content-type': 'video/mp4', ...headers },
    });
    expect(await response.text()).toContain(`<Code>${code}</Code>`);
    expect(response.status).toBe(403);
  });

  test('an expired URL is refused', async () => {
    const signed = await presign({}, 1, { signingDate: new Date(Date.now() - 5000) });
    const response = await fetch(signed, { method: 'PUT', body: 'x' });
    expect([response.status, await response.text()]).toEqual([
      403,
      expect.stringContaining('Request has expired'),
    ]);
  });

  test('a URL that is not good yet is refused', async () => {
    const signed = await presign({}, 60, { signingDate: new Date(Date.now() + 3600_000) });
    const response = await fetch(signed, { method: 'PUT', body: 'x' });
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('not valid yet')]);
  });

  test('a body of another length than was signed is refused', async () => {
    const signed = await presign({ ContentLength: 5 }, 60, { signableHeaders: new Set(['content-length']) });
    expect((await fetch(signed, { method: 'PUT', body: 'longer than five' })).status).toBe(403);
    expect((await fetch(signed, { method: 'PUT', body: 'fives' })).status).toBe(200);
  });

  test.each([
    ['0', 'AuthorizationQueryParametersError'],
    ['604801', 'AuthorizationQueryParametersError'],
    ['soon', 'AuthorizationQueryParametersError'],
  ])('a URL that is good for %s seconds is none', async (seconds, code) => {
    const changed = (await presign()).replace('Expires=60', `Expires=${seconds}`);
    const response = await fetch(changed, { method: 'PUT', body: 'x' });
    expect([response.status, await codeOf(response)]).toEqual([400, code]);
  });

  test('metadata that a presigner moved into the query is stored', async () => {
    const Metadata = { file: 'Ein Film+.mp4', 'file-size': '7' }; // the second name sorts before the first with its '='
    const target = await presign({ Metadata });
    expect((await fetch(target, { method: 'PUT', body: 'x' })).status).toBe(200);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'uploads/a b+ü.mp4' }));
    expect(head.Metadata).toEqual(Metadata);
  });

  test('a URL for a new object only does not replace one', async () => {
    const target = await presign({ IfNoneMatch: '*' });
    await s3.send(new PutObjectCommand({ Bucket, Key: 'uploads/a b+ü.mp4', Body: 'old' }));
    const response = await fetch(target, { method: 'PUT', body: 'new', headers: { 'if-none-match': '*' } });
    expect([response.status, await codeOf(response)]).toEqual([412, 'PreconditionFailed']);
  });

  test('a body that breaks off stores nothing', async () => {
    const target = new URL(await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: 'broken-off' })));
    await new Promise<void>((done) => {
      const sending = request(target, { method: 'PUT', headers: { 'content-length': 1000 } });
      sending.on('error', () => done());
      sending.write('only a bit');
      setTimeout(() => sending.destroy(), 100);
    });
    await expect(get('broken-off')).rejects.toEqual(named('NoSuchKey'));
  });

  test('another region than this is refused', async () => {
    const abroad = newClient(url, OWNER, { region: 'eu-west-1' });
    await expect(abroad.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }))).rejects.toEqual(
      named('AuthorizationHeaderMalformed'),
    );
  });

  test.each([-20, 20])('a clock that is %i minutes off is refused', async (minutes) => {
    const late = newClient(url, OWNER, { systemClockOffset: minutes * 60_000 });
    await expect(late.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' }))).rejects.toEqual(
      named('RequestTimeTooSkewed'),
    );
  });

  test.each([
    ['a body that is not the one signed', { payload: sha256('x') }, 'XAmzContentSHA256Mismatch'],
    ['a body signed in no known way', { payload: 'TRUST-ME' }, 'InvalidArgument'],
  ])('%s is refused', async (_, more, code) => {
    const response = await signedFetch('PUT', 'tampered', { body: 'y', ...more });
    expect([response.status, await codeOf(response)]).toEqual([400, code]);
  });

  test.each([
    ['that is of no known form', () => 'AWS4-HMAC-SHA256 nonsense', 400, 'AuthorizationHeaderMalformed'],
    [
      'that leaves the host out',
      (header: string) => header.replace('SignedHeaders=host;', 'SignedHeaders='),
      403,
      'AccessDenied',
    ],
    [
      'of another service',
      (header: string) => header.replace('/s3/', '/sqs/'),
      400,
      'AuthorizationHeaderMalformed',
    ],
    [
      'of another day',
      (header: string) => header.replace(/\/\d{8}\//, '/20200101/'),
      400,
      'AuthorizationHeaderMalformed',
    ],
  ])('a signature %s is refused', async (_, change, status, code) => {
    const { url: target, headers } = sign(url, 'PUT', 'tampered', 'UNSIGNED-PAYLOAD');
    const authorization = change(headers['authorization'] ?? '');
    const response = await fetch(target, {
      method: 'PUT',
      headers: { ...headers, authorization },
      body: 'x',
    });
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
  });

  test('a header of S3 that came later than the signature is refused', async () => {
    const { url: target, headers } = sign(url, 'PUT', 'tampered', 'UNSIGNED-PAYLOAD');
    const more = { ...headers, 'x-amz-meta-added': 'later' };
    const response = await fetch(target, { method: 'PUT', headers: more, body: 'x' });
    expect([response.status, await codeOf(response)]).toEqual([403, 'AccessDenied']);
  });

  test.each([
    ['at its head', { payload: 'UNSIGNED-PAYLOAD', change: 'x-amz-meta-added: later\r\n' }, 'AccessDenied'],
    ['in its midst', { payload: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', change: '' }, 'IncompleteBody'],
  ])(
    'who sends all before reading learns why it was refused %s, and keeps the connection',
    async (...row) => {
      const [, { payload, change }, code] = row;
      const { headers } = sign(url, 'PUT', 'refused', payload, { 'x-amz-decoded-content-length': '1' });
      const lines = Object.entries({ ...headers, 'content-length': 20 * MB }).map(
        (pair) => `${pair.join(': ')}\r\n`,
      );
      const socket = connect(bench.server.port, '127.0.0.1');
      socket.write(`PUT /${Bucket}/refused HTTP/1.1\r\n${lines.join('')}${change}\r\n`);
      // Zeros: as chunks, a first line that has no end.
      await new Promise((resolve) => socket.write(Buffer.alloc(20 * MB), resolve));
      socket.write(`GET /${Bucket}/next HTTP/1.1\r\nhost: localhost\r\n\r\n`);
      let answers = '';
      for await (const bytes of socket) {
        answers += bytes;
        if (answers.split('</Error>').length === 3) break;
      }
      expect(answers.match(/<Code>\w*/g)).toEqual([`<Code>${code}`, '<Code>AccessDenied']);
    },
  );
});

describe('POST forms', () => {
  /** Posts a form signed by hand. */
  const post = (
    conditions: unknown[],
    fields: Record<string, string>,
    file: string,
    { expires = Date.now() + 60_000, tamper = (policy: string) => policy } = {},
  ) => {
    const date = amzDate();
    const scope = scopeOf(date);
    const own = {
      'x-amz-credential': `${OWNER.accessKeyId}/${scope}`,
      'x-amz-algorithm': 'AWS4-HMAC-SHA256',
      'x-amz-date': date,
    };
    const all = [...conditions, ...Object.entries(own).map(([name, value]) => ({ [name]: value }))];
    const expiration = new Date(expires).toISOString();
    const policy = Buffer.from(JSON.stringify({ expiration, conditions: all })).toString('base64');
    const form = new FormData();
    const signature = signer(scope)(policy);
    const given = { ...fields, ...own, policy: tamper(policy), 'x-amz-signature': signature };
    for (const [name, value] of Object.entries(given)) form.set(name, value);
    form.set('file', new Blob([file]), 'my file.mp4');
    return fetch(`${url}/${Bucket}`, { method: 'POST', body: form });
  };
  const conditions = [
    { bucket: Bucket },
    ['starts-with', '$key', 'uploads/'],
    ['content-length-range', 1, 10],
  ];

  test('what the policy allows is stored, under the file name where the key asks for it', async () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: this is the placeholder that S3's forms use
    const answer = await post(conditions, { key: 'uploads/${filename}' }, 'posted');
    expect([answer.status, answer.headers.get('etag')]).toEqual([204, `"${md5('posted')}"`]);
    expect(await get('uploads/my file.mp4')).toBe('posted');
    await eventually(() => (events.length === 1 ? true : undefined));
    expect(JSON.parse(events[0] ?? '').Records[0].eventName).toBe('ObjectCreated:Post');
  });

  test.each([
    ['200', 200, ''],
    ['201', 201, '<Key>uploads/x</Key>'],
    ['204', 204, ''],
    ['301', 204, ''],
  ])('success_action_status %s is answered %i', async (asked, status, text) => {
    const allowed = [...conditions, { success_action_status: asked }];
    const answer = await post(allowed, { key: 'uploads/x', success_action_status: asked }, 'x');
    expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(text)]);
  });

  test('the type and the metadata that the policy asks for are stored', async () => {
    const allowed = [...conditions, ['starts-with', '$Content-Type', 'video/'], { 'x-amz-meta-a': 'b' }];
    const fields = { key: 'uploads/x', 'Content-Type': 'video/mp4', 'x-amz-meta-a': 'b' };
    expect((await post(allowed, fields, 'x')).status).toBe(204);
    const head = await s3.send(new HeadObjectCommand({ Bucket, Key: 'uploads/x' }));
    expect(head).toMatchObject({ ContentType: 'video/mp4', Metadata: { a: 'b' } });
  });

  const refused = (fields: Record<string, string>, file: string, more: object, answer: [number, string]) => ({
    fields: { key: 'uploads/x', ...fields },
    file,
    more,
    answer,
  });
  const forged = () => Buffer.from(JSON.stringify({ expiration: '2999-01-01T00:00:00Z', conditions: [] }));
  test.each([
    ['another key', refused({ key: 'elsewhere' }, 'x', {}, [403, 'AccessDenied'])],
    ['a key too long', refused({ key: `uploads/${'x'.repeat(1020)}` }, 'x', {}, [400, 'KeyTooLongError'])],
    ['a file too long', refused({}, 'x'.repeat(11), {}, [400, 'EntityTooLarge'])],
    ['a file too short', refused({}, '', {}, [400, 'EntityTooSmall'])],
    ['a field that is not in the policy', refused({ acl: 'public-read' }, 'x', {}, [403, 'AccessDenied'])],
    ['an expired policy', refused({}, 'x', { expires: 0 }, [403, 'AccessDenied'])],
    [
      'a policy that was not signed',
      refused({}, 'x', { tamper: () => forged().toString('base64') }, [403, 'SignatureDoesNotMatch']),
    ],
  ])('%s is refused', async (_, { fields, file, more, answer }) => {
    const response = await post(conditions, fields, file, more);
    expect([response.status, await codeOf(response)]).toEqual(answer);
  });

  test('a checksum in the form is checked', async () => {
    const sum = { 'x-amz-checksum-crc32': 'AAAAAA==' };
    const response = await post([...conditions, sum], { key: 'uploads/x', ...sum }, 'x');
    expect([response.status, await codeOf(response)]).toEqual([400, 'BadDigest']);
  });

  test('a large file comes whole through the form, whatever is in it', async () => {
    const file = `\r\n--${'x\r\n-'.repeat(300_000)}`;
    expect(
      (await post([{ bucket: Bucket }, ['starts-with', '$key', '']], { key: 'large' }, file)).status,
    ).toBe(204);
    expect((await get('large')) === file).toBe(true);
  });

  const form = (body: string, type = 'multipart/form-data; boundary=b') =>
    fetch(`${url}/${Bucket}`, { method: 'POST', body, headers: { 'content-type': type } });
  const field = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  test.each([
    ['without a boundary', () => form('', 'multipart/form-data'), 400, 'InvalidRequest'],
    ['that breaks off', () => form(field('key', 'x')), 400, 'IncompleteBody'],
    ['with an endless field', () => form(field('key', 'x'.repeat(300_000))), 400, 'InvalidRequest'],
    [
      'without a signature',
      () => form(`${field('key', 'x')}${field('file', 'x')}--b--`),
      400,
      'InvalidArgument',
    ],
    ['without a key', () => post([{ bucket: Bucket }], {}, 'x'), 400, 'InvalidArgument'],
  ])('a form %s is refused', async (_, send, status, code) => {
    const response = await send();
    expect([response.status, await codeOf(response)]).toEqual([status, code]);
  });

  test('a policy that is none is refused', async () => {
    const response = await post([['between', '$key', 'a', 'b']], { key: 'uploads/x' }, 'x');
    expect([response.status, await codeOf(response)]).toEqual([400, 'InvalidPolicyDocument']);
  });
});
