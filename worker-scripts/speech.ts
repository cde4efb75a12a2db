/** Recognisers of speech: programs of their own on the worker, each behind the same small interface. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { Encode } from '../jobs/messages.ts';
import { durationOf, type Plan } from '../video/plan.ts';
import { audioTimeout } from '../video/sound-arguments.ts';
import { PieceCutter, wavOf } from '../video/text/pieces.ts';
import { parsePocketsphinx, parseWhisper, speechArguments, type Word } from '../video/text/speech.ts';
import type { Transcribe } from '../video/text/tracks.ts';
import { type TaskContext, withPlanned, withScratch } from './context.ts';
import { readOutput } from './output.ts';
import { ProcessError, run } from './process.ts';

/** Turns a WAV file of 16 kHz mono PCM into words with times. */
export interface SpeechEngine {
  /** Seconds that it is given at once: few, so that memory is bounded; many, for each time it loads its model. */
  readonly pieceSeconds: number;
  recognise(wav: string): Promise<Word[]>;
}

/** Seconds that recognising a second may take on one core before something is stuck, and for the model to load. */
const SLOWEST = 20;
const LOADING = 120;

/** Bytes that an engine may make of a piece: some hundred times what anybody says in it. */
const MOST_SAID = 16 * 2 ** 20;

/** @param folder for what an engine needs, gone afterwards */
type Engines = {
  readonly [Name in Transcribe['engine']]: (
    context: TaskContext,
    settings: Transcribe & { engine: Name },
    folder: string,
  ) => Promise<SpeechEngine>;
};

const ENGINES: Engines = {
  async pocketsphinx({ signal }) {
    const pieceSeconds = 60;
    return {
      pieceSeconds,
      async recognise(wav) {
        const program = 'pocketsphinx_continuous';
        const tooMuch = () => new ProcessError(program, `said more than ${MOST_SAID} bytes`, [], true);
        let output = '';
        const read = async (stdout: Readable) => {
          output = (await readOutput(stdout, MOST_SAID, tooMuch)).toString();
        };
        const args = ['-infile', wav, '-time', 'yes', '-logfn', '/dev/null'];
        const timeoutSeconds = LOADING + SLOWEST * pieceSeconds;
        await run({ program, args, reads: [wav], timeoutSeconds, signal, read });
        return parsePocketsphinx(output);
      },
    };
  },
  async whisper({ signal, uploads }, { model, language }, folder) {
    const pieceSeconds = 600;
    const path = join(folder, 'model');
    await uploads.download(model, path);
    return {
      pieceSeconds,
      async recognise(wav) {
        // One thread, for the worker does a task a core.
        const how = ['--model', path, '--language', language, '--threads', '1', '--no-gpu', '--no-prints'];
        const words = ['--max-len', '1', '--split-on-word', '--output-json', '--output-file', wav];
        const args = [...how, ...words, '--file', wav];
        const timeoutSeconds = LOADING + SLOWEST * pieceSeconds;
        const json = `${wav}.json`;
        const files = { reads: [path, wav], writes: { files: [json], bytes: MOST_SAID } };
        await run({ program: 'whisper-cli', args, ...files, timeoutSeconds, signal });
        return parseWhisper(await readFile(json, 'utf8'));
      },
    };
  },
};

/** Asks the table with the settings that its entry wants. */
function engineOf(context: TaskContext, settings: Transcribe, folder: string): Promise<SpeechEngine> {
  return settings.engine === 'whisper'
    ? ENGINES.whisper(context, settings, folder)
    : ENGINES.pocketsphinx(context, settings, folder);
}

/**
 * Has the speech of a track recognised.
 * @returns the words on the stream's clock, and the seconds that it took: engines use one core
 */
export async function transcribe(
  context: TaskContext,
  encode: Encode,
  plan: Plan,
  { stream, settings }: { stream: number; settings: Transcribe },
): Promise<{ words: Word[]; cpuSeconds: number }> {
  return withScratch(context, async (folder) => {
    const engine = await engineOf(context, settings, folder);
    const cutter = new PieceCutter(engine.pieceSeconds);
    const words: Word[] = [];
    const wav = join(folder, 'piece.wav');
    const started = performance.now();
    const read = async (stdout: Readable) => {
      const listen = async (pieces: ReturnType<PieceCutter['push']>) => {
        for (const { start, pcm } of pieces) {
          await writeFile(wav, wavOf(pcm));
          const heard = await engine.recognise(wav);
          words.push(...heard.map((word) => ({ ...word, start: word.start + start, end: word.end + start })));
        }
      };
      // A stream without an encoding gives buffers. ffmpeg waits while a piece is listened to.
      for await (const bytes of stdout) await listen(cutter.push(bytes as Buffer));
      await listen(cutter.end());
    };
    await withPlanned(context, encode, plan, (url, bytes) =>
      run({
        program: 'ffmpeg',
        args: speechArguments(plan, stream, url),
        timeoutSeconds: audioTimeout(plan, bytes) + LOADING + SLOWEST * durationOf(plan),
        signal: context.signal,
        read,
      }),
    );
    return { words, cpuSeconds: (performance.now() - started) / 1000 };
  });
}
