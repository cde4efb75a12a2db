/** Signature Version 4A: keys as AWS derives them, and signatures that hold. */
import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { derivedKey, signedHeaders, stringToSign } from '../../jobs/sigv4a.ts';

/** The published example of aws-c-auth (tests/key_derivation_tests.c). */
const EXAMPLE = {
  accessKeyId: 'AKISORANDOMAASORANDOM',
  secretAccessKey: 'q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom',
};

const ARN = 'arn:aws:cloudfront::111122223333:key-value-store/0a1b';
const URL_OF_STORE = new URL(
  `https://111122223333.cloudfront-kvs.global.api.aws/key-value-stores/${encodeURIComponent(ARN)}/keys`,
);
const REQUEST = {
  method: 'POST',
  url: URL_OF_STORE,
  body: '{"Puts":[]}',
  service: 'cloudfront-keyvaluestore',
  date: new Date('2026-11-21T18:00:00.123Z'),
};

test('the key that an access key stands for is the one that AWS derives of it', () => {
  const word = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');
  expect(derivedKey(EXAMPLE).export({ format: 'jwk' })).toEqual({
    kty: 'EC',
    crv: 'P-256',
    d: word('7fd3bd010c0d9c292141c2b77bfbde1042c92e6836fff749d1269ec890fca1bd'),
    x: word('15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb'),
    y: word('0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0'),
  });
});

describe('a signed request', () => {
  test('is signed for every region, with its host, its time and a session’s token', () => {
    const headers = signedHeaders({ ...EXAMPLE, sessionToken: 'session' }, REQUEST);
    expect(headers).toMatchObject({
      'x-amz-date': '20261121T180000Z',
      'x-amz-region-set': '*',
      'x-amz-security-token': 'session',
      authorization: expect.stringMatching(
        /^AWS4-ECDSA-P256-SHA256 Credential=AKISORANDOMAASORANDOM\/20261121\/cloudfront-keyvaluestore\/aws4_request, SignedHeaders=host;x-amz-date;x-amz-region-set;x-amz-security-token, Signature=30[0-9a-f]+$/,
      ),
    });
  });

  test('carries a signature of its canonical form, in which the ARN in the path is encoded twice', () => {
    const { authorization = '', ...headers } = signedHeaders(EXAMPLE, REQUEST);
    const { text } = stringToSign(
      REQUEST,
      { ...headers, host: URL_OF_STORE.host },
      headers['x-amz-date'] ?? '',
    );
    // SHA-256 of these words, put together by hand as AWS's page on canonical requests says:
    // POST, /key-value-stores/arn%253Aaws%253Acloudfront%253A%253A111122223333%253Akey-value-store%252F0a1b/keys, no query,
    // host, x-amz-date and x-amz-region-set, their names, and the SHA-256 of the body.
    expect(text.split('\n')).toEqual([
      'AWS4-ECDSA-P256-SHA256',
      '20261121T180000Z',
      '20261121/cloudfront-keyvaluestore/aws4_request',
      '8eeb2966ecb74506cdfd3c8ca678f3cc1644210946647a9d34d2ff74daab5aa5',
    ]);
    const [, signature = ''] = /Signature=(.*)$/.exec(authorization) ?? [];
    const key = createPublicKey(derivedKey(EXAMPLE));
    expect(verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'hex'))).toBe(true);
  });
});
