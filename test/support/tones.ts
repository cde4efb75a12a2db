/** Reads sounds back: which tone each channel has, and how loud. */
import { spawn } from 'node:child_process';
import { buffer } from 'node:stream/consumers';

const RATE = 48_000;

/** A channel of some sound. */
export interface Channel {
  /** Hz; the strongest of those that were looked for. */
  readonly tone: number;
  /** Amplitude of that tone, in dB below full scale (0 is the loudest sine). */
  readonly level: number;
  /** The highest sample, in the same dB. */
  readonly peak: number;
}

const decibels = (amplitude: number): number => 20 * Math.log10(Math.max(amplitude, 1e-9));

/** The amplitude of a tone (a DFT's one bin). */
function amplitude(samples: Float32Array, hertz: number): number {
  let [re, im] = [0, 0];
  for (const [index, sample] of samples.entries()) {
    const angle = (2 * Math.PI * hertz * index) / RATE;
    re += sample * Math.cos(angle);
    im += sample * Math.sin(angle);
  }
  return (2 * Math.hypot(re, im)) / samples.length;
}

/** The samples of each channel of an input of ffmpeg, at 48 kHz. */
export async function readSamples(args: readonly string[]): Promise<Float32Array[]> {
  const count = await channelsOf(args);
  const bytes = await ffmpegOutput([...args, '-ar', `${RATE}`, '-f', 'f32le', 'pipe:1']);
  const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  return Array.from({ length: count }, (_, channel) =>
    Float32Array.from(
      { length: Math.floor(samples.length / count) },
      (__, index) => samples[index * count + channel] ?? 0,
    ),
  );
}

async function channelsOf(args: readonly string[]): Promise<number> {
  // The header of a WAV file says it.
  const wav = await ffmpegOutput([...args, '-t', '0.01', '-f', 'wav', 'pipe:1']);
  return wav.readUInt16LE(22);
}

async function ffmpegOutput(args: readonly string[]): Promise<Buffer> {
  const child = spawn('ffmpeg', ['-v', 'error', '-nostdin', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((done) => child.on('close', done));
  const bytes = await buffer(child.stdout);
  const code = await ended;
  if (code !== 0) throw new Error(`ffmpeg ended with code ${code}`);
  return bytes;
}

/**
 * The channels of an input of ffmpeg, over the second in its middle.
 * @param hertz what is looked for
 */
export async function readChannels(args: readonly string[], hertz: readonly number[]): Promise<Channel[]> {
  const channels = await readSamples(args);
  return channels.map((all) => {
    const from = Math.max(0, Math.floor((all.length - RATE) / 2));
    const samples = all.subarray(from, from + RATE);
    const found = hertz.map((tone) => ({ tone, amplitude: amplitude(samples, tone) }));
    const best = found.reduce((a, b) => (b.amplitude > a.amplitude ? b : a));
    const peak = decibels(samples.reduce((high, sample) => Math.max(high, Math.abs(sample)), 0));
    return { tone: best.tone, level: decibels(best.amplitude), peak };
  });
}
