/** Following a video from the command line, when the platform goes away. */
import { afterEach, expect, jest, test } from '@jest/globals';
import { ConnectionError, SpotreelClient, type Video } from '../../api/client/index.ts';
import { EXIT, fail } from '../../cli/endings.ts';
import { follow } from '../../cli/follow.ts';
import { newVideoId } from '../../jobs/names.ts';

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

test('the command ends with the exit code of a platform that does not answer: a build that waits must not hang', async () => {
  jest.useFakeTimers();
  const said = jest.spyOn(console, 'error').mockImplementation(() => {});
  const id = newVideoId();
  const video: Video = {
    id,
    title: 'film',
    metadata: {},
    visibility: 'unlisted',
    uploadedAt: '2026-01-01T00:00:00.000Z',
    sourceBytes: 1,
    state: 'encoding',
    percent: 10,
  };
  const gone = async () => {
    throw new ConnectionError('Nothing answers');
  };
  const client = Object.assign(new SpotreelClient({ url: 'http://127.0.0.1' }), {
    showVideo: async () => video,
    liveAccess: gone,
  });
  const ended = follow(client, id, () => {}).catch(fail);
  await jest.advanceTimersByTimeAsync(10_000);
  client.showVideo = gone;
  await jest.advanceTimersByTimeAsync(600_000);
  await ended;
  expect(process.exitCode).toBe(EXIT.unreachable);
  expect(said.mock.lastCall?.[0]).toContain('has not answered for');
});
