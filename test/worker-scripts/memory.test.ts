/** Memory is shared out in turn, and what needs more than there is runs alone. */
import { expect, test } from '@jest/globals';
import { Memory } from '../../worker-scripts/memory.ts';

const never = new AbortController().signal;
/** After all that is ready to run has run. */
const settled = () => new Promise(setImmediate);

/** Tasks by name on a machine of 1000 bytes, 900 of them to share; each runs until it is ended. */
function machine() {
  const memory = new Memory(1000);
  const running: string[] = [];
  const ends = new Map<string, () => void>();
  const start = (name: string, bytes: number, signal: AbortSignal = never) =>
    memory.with(bytes, signal, () => {
      running.push(name);
      const { promise, resolve } = Promise.withResolvers<void>();
      ends.set(name, resolve);
      return promise.finally(() => running.splice(running.indexOf(name), 1));
    });
  const end = async (name: string) => {
    ends.get(name)?.();
    await settled();
  };
  return { running, start, end };
}

test('what fits runs at once, what does not waits for its turn', async () => {
  const { running, start, end } = machine();
  void start('a', 450);
  void start('b', 450);
  void start('c', 450);
  await settled();
  expect(running).toEqual(['a', 'b']);
  await end('a');
  expect(running).toEqual(['b', 'c']);
});

test('a large one is not passed by small ones for ever', async () => {
  const { running, start, end } = machine();
  void start('small', 100);
  void start('large', 900);
  void start('smaller', 50);
  await settled();
  expect(running).toEqual(['small']);
  await end('small');
  expect(running).toEqual(['large']);
});

test('more than the machine has runs, alone', async () => {
  const { running, start, end } = machine();
  void start('huge', 5000);
  void start('small', 1);
  await settled();
  expect(running).toEqual(['huge']);
  await end('huge');
  expect(running).toEqual(['small']);
});

test('who is told to stop leaves the queue, with the reason', async () => {
  const { running, start, end } = machine();
  const stop = new AbortController();
  void start('first', 900);
  const stopped = start('stopped', 900, stop.signal);
  void start('last', 100);
  stop.abort(new Error('the machine goes'));
  await expect(stopped).rejects.toThrow('the machine goes');
  await end('first');
  expect(running).toEqual(['last']);
});

test('what fails gives its memory back', async () => {
  const memory = new Memory(1000);
  await expect(memory.with(900, never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  await expect(memory.with(900, never, () => Promise.resolve('yes'))).resolves.toBe('yes');
});
