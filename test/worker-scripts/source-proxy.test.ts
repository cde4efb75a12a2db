import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { afterEach, describe, expect, test } from '@jest/globals';
import { mockClient } from 'aws-sdk-client-mock';
import { SourceProxy } from '../../worker-scripts/source-proxy.ts';

const OBJECT = { bucket: 'b', key: 'uploads/x', etag: 'e' };
const s3 = mockClient(S3Client);
let proxy: SourceProxy;
afterEach(() => {
  proxy.close();
  s3.reset();
});

async function open() {
  proxy = await SourceProxy.start(new S3Client({}));
  return proxy.open(OBJECT);
}

/** A body of S3 that gives some bytes, and then this. */
function body(end: () => Promise<void>): never {
  async function* bytes() {
    yield Buffer.alloc(1000);
    await end();
  }
  return Readable.from(bytes()) as never; // without the SDK's own methods, which the proxy does not call
}

describe('a read that did not go well is remembered, for ffmpeg takes it for the end of the file', () => {
  test('the connection to S3 breaks', async () => {
    const end = () => Promise.reject(new Error('read ECONNRESET'));
    s3.on(GetObjectCommand).resolves({
      Body: body(end),
      ContentLength: 2000,
      ContentRange: 'bytes 0-1999/2000',
    });
    const source = await open();
    await expect(fetch(source.url).then((response) => response.arrayBuffer())).rejects.toThrow();
    expect(source.error()?.message).toBe('read ECONNRESET');
  });

  test('S3 refuses', async () => {
    const $metadata = { httpStatusCode: 412 };
    s3.on(GetObjectCommand).rejects(
      new S3ServiceException({ name: 'PreconditionFailed', $fault: 'client', $metadata }),
    );
    const source = await open();
    await fetch(source.url).catch(() => {});
    expect(source.error()?.name).toBe('PreconditionFailed');
  });
});

describe('a read that is no fault is not', () => {
  test('ffmpeg hangs up when it has enough', async () => {
    const end = () => sleep(60_000, undefined, { ref: false });
    s3.on(GetObjectCommand).resolves({ Body: body(end), ContentLength: 2000 });
    const source = await open();
    const hangUp = new AbortController();
    const { body: received } = await fetch(source.url, { signal: hangUp.signal });
    await received?.getReader().read();
    hangUp.abort();
    await sleep(100);
    expect(source.error()).toBeUndefined();
  });

  test('it asks for what lies behind the end of a file that is cut off', async () => {
    const $metadata = { httpStatusCode: 416 };
    s3.on(GetObjectCommand).rejects(
      new S3ServiceException({ name: 'InvalidRange', $fault: 'client', $metadata }),
    );
    const source = await open();
    const { status } = await fetch(source.url, { headers: { range: 'bytes=9999-' } });
    expect(status).toBe(416);
    expect(source.error()).toBeUndefined();
  });
});

describe('a mark is looked for in what is read', () => {
  const read = async (source: { url: string }, ...pieces: string[]) => {
    const whole = pieces.join('');
    const Body = Readable.from(pieces.map((piece) => Buffer.from(piece))) as never; // as above
    s3.on(GetObjectCommand).resolves({ Body, ContentLength: whole.length });
    expect(await (await fetch(source.url)).text()).toBe(whole);
  };

  test('and found where it comes in two pieces of one read', async () => {
    const source = await open();
    const wasThere = source.lookFor(Buffer.from('mark'));
    await read(source, 'nothing', ' of it');
    expect(wasThere()).toBe(false);
    await read(source, 'the ma', 'rk of it');
    expect(wasThere()).toBe(true);
    await read(source, 'nothing more');
    expect(wasThere()).toBe(true);
  });

  test('but not where one read ends with its half and another begins with the other', async () => {
    const source = await open();
    const wasThere = source.lookFor(Buffer.from('mark'));
    await read(source, 'the ma');
    await read(source, 'rk of it');
    expect(wasThere()).toBe(false);
  });
});
