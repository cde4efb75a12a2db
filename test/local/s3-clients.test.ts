/** The AWS CLI and boto3 against the S3 emulator, where this machine has them. */
import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from '@jest/globals';
import { parseS3Event } from '../../jobs/messages.ts';
import { eventually } from './support/processes.ts';
import { BUCKET, OWNER, openBench, REGION } from './support/s3.ts';

const exec = promisify(execFile);
const KEY = 'uploads/Grüße + & mein Film 🎬.mp4';
const bench = await openBench();
const { events, folder } = bench;
afterAll(() => bench.close());

const env = {
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  AWS_ACCESS_KEY_ID: OWNER.accessKeyId,
  AWS_SECRET_ACCESS_KEY: OWNER.secretAccessKey,
  AWS_DEFAULT_REGION: REGION,
  AWS_ENDPOINT_URL_S3: bench.server.url,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  PYTHONUTF8: '1',
};

/** `test`, or with the reason printed nothing, where a command does not run. */
function testWith(command: string, ...args: string[]): typeof test | typeof test.skip {
  const { status, error } = spawnSync(command, args);
  if (status === 0) return test;
  console.log(
    `skipped: '${[command, ...args].join(' ')}' does not run here (${error ?? `status ${status}`})`,
  );
  return test.skip;
}

testWith('aws', '--version')('the AWS CLI uploads in parts and downloads again', async () => {
  const aws = (...args: string[]) => exec('aws', args, { env });
  const [file, back] = [join(folder, 'cli.bin'), join(folder, 'cli.back')];
  const data = randomBytes(20 * 1024 * 1024);
  await writeFile(file, data);
  await aws('--endpoint-url', bench.server.url, 's3', 'cp', file, `s3://${BUCKET}/${KEY}`);
  await aws('s3', 'cp', `s3://${BUCKET}/${KEY}`, back);
  expect(data.equals(await readFile(back))).toBe(true);
  expect((await aws('s3', 'ls', `s3://${BUCKET}/uploads/`)).stdout).toContain('Grüße + & mein Film 🎬.mp4');
  await eventually(() => (events.length > 0 ? true : undefined));
  expect(events.flatMap((event) => parseS3Event(JSON.parse(event))).map(({ key }) => key)).toEqual([KEY]);
  await aws('s3', 'mv', `s3://${BUCKET}/${KEY}`, `s3://${BUCKET}/moved`);
  await aws('s3', 'rm', '--recursive', `s3://${BUCKET}/`);
  expect((await aws('s3api', 'list-objects-v2', '--bucket', BUCKET)).stdout).not.toContain('Contents');
});

const SCRIPT = `
import boto3, io, json, sys
from botocore.config import Config
from botocore.exceptions import ClientError
bucket, key = sys.argv[1:]
s3 = boto3.client('s3', config=Config(signature_version='s3v4', s3={'addressing_style': 'path'}, retries={'max_attempts': 1}))
data = bytes(range(256)) * 80_000
s3.upload_fileobj(io.BytesIO(data), bucket, key, ExtraArgs={'ContentType': 'video/mp4', 'Metadata': {'a': 'b'}})
read = s3.get_object(Bucket=bucket, Key=key)
assert read['Body'].read() == data and read['ContentType'] == 'video/mp4' and read['Metadata'] == {'a': 'b'}
assert [o['Key'] for o in s3.list_objects_v2(Bucket=bucket, Prefix='uploads/')['Contents']] == [key]
for algorithm in ['CRC32', 'SHA1', 'SHA256']:
    s3.put_object(Bucket=bucket, Key='sum', Body=b'x', ChecksumAlgorithm=algorithm)
try:
    s3.put_object(Bucket=bucket, Key=key, Body=b'x', IfNoneMatch='*')
    raise AssertionError('replaced')
except ClientError as error:
    assert error.response['Error']['Code'] == 'PreconditionFailed', error.response
s3.copy({'Bucket': bucket, 'Key': key}, bucket, 'copy')
assert s3.head_object(Bucket=bucket, Key='copy')['ContentLength'] == len(data)
s3.delete_objects(Bucket=bucket, Delete={'Objects': [{'Key': key}, {'Key': 'copy'}, {'Key': 'sum'}]})
print(json.dumps({
    'put': s3.generate_presigned_url('put_object', Params={'Bucket': bucket, 'Key': key}),
    'post': s3.generate_presigned_post(bucket, 'uploads/\${filename}', Conditions=[['content-length-range', 1, 10]]),
}))
`;

testWith(
  'python3',
  '-c',
  'import boto3',
)('boto3 uploads, reads, copies and presigns', async () => {
  const { stdout } = await exec('python3', ['-c', SCRIPT, BUCKET, KEY], { env });
  const { put, post } = JSON.parse(stdout);
  expect((await fetch(put, { method: 'PUT', body: 'x' })).status).toBe(200);
  const form = new FormData();
  for (const [name, value] of Object.entries(post.fields)) form.set(name, String(value));
  form.set('file', new Blob(['posted']), 'form.mp4');
  expect((await fetch(post.url, { method: 'POST', body: form })).status).toBe(204);
  form.set('file', new Blob(['more than ten bytes']), 'form.mp4');
  expect((await fetch(post.url, { method: 'POST', body: form })).status).toBe(400);
});
