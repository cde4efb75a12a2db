import { describe, expect, test } from '@jest/globals';
import { SourceError } from '../../video/failures.ts';
import { findFrameRate } from '../../video/frame-rate.ts';
import { PacketReader } from '../../video/packets.ts';
import { audioEdges, cutChunks, durationOf, planSchema, planVideo, timescaleOf } from '../../video/plan.ts';
import { readSource } from '../../video/probe.ts';
import { type Rational, rational } from '../../video/rational.ts';
import { AAC_FRAME, AUDIO_RATE, encodeSettingsSchema } from '../../video/settings.ts';
import { audioWork, chunkWork, workPerSecond } from '../../video/work.ts';

const settings = encodeSettingsSchema.parse({});

/** Timestamps of `frames` frames at a rate, in ticks of a time base, rounded as a muxer rounds. */
const steady = (rate: Rational, frames: number, timeBase: Rational, first = 0) =>
  Array.from({ length: frames }, (_, i) =>
    Math.round(first + (i * rate.den * timeBase.den) / (rate.num * timeBase.num)),
  );

describe('frame rate', () => {
  const millisecond = rational(1, 1000);
  test.each([
    ['23.976 fps in 1 ms ticks', rational(24000, 1001), millisecond],
    ['29.97 fps in 1 ms ticks', rational(30000, 1001), millisecond],
    ['59.94 fps in 90 kHz ticks', rational(60000, 1001), rational(1, 90000)],
    ['25 fps in 12800ths', rational(25, 1), rational(1, 12800)],
    ['12.5 fps', rational(25, 2), rational(1, 90000)],
    ['1 frame a second', rational(1, 1), millisecond],
  ])('a steady %s is found exactly, whatever the container claims', (_, rate, timeBase) => {
    const found = findFrameRate(steady(rate, 500, timeBase, 1234), timeBase, [
      rational(1000, 1),
      rational(90000, 1),
    ]);
    expect(found).toMatchObject({ rate, steady: true });
  });

  test('a rate that only the container knows is kept, if the frames agree', () => {
    const odd = rational(1234, 100);
    const found = findFrameRate(steady(odd, 300, rational(1, 90000)), rational(1, 90000), [odd]);
    expect(found).toMatchObject({ rate: odd, steady: true });
  });

  test.each([
    ['120', rational(120, 1), rational(60, 1)],
    ['119.88', rational(120_000, 1001), rational(60_000, 1001)],
    ['240', rational(240, 1), rational(60, 1)],
    ['100', rational(100, 1), rational(50, 1)],
    ['144', rational(144, 1), rational(36, 1)],
  ])('%s frames a second are halved until a player shows them', (_, rate, kept) => {
    const found = findFrameRate(steady(rate, 480, rational(1, 90000)), rational(1, 90000), []);
    expect(found.rate).toEqual(kept);
  });

  test('a short clip of 29.97 is not taken for the 30 that its container claims', () => {
    const pts = steady(rational(30_000, 1001), 60, rational(1, 30_000));
    expect(findFrameRate(pts, rational(1, 30_000), [rational(30, 1)]).rate).toEqual(rational(30_000, 1001));
  });

  test('uneven frames are laid on the standard rate nearest to their usual distance', () => {
    const pts = steady(rational(30, 1), 300, rational(1, 90000)).filter((_, i) => i % 7 !== 3);
    expect(findFrameRate(pts, rational(1, 90000), [])).toMatchObject({
      rate: rational(30, 1),
      steady: false,
    });
  });

  test('a single frame has a rate too', () => {
    expect(findFrameRate([0], rational(1, 1000), []).rate).toEqual(rational(25, 1));
  });
});

describe('chunks', () => {
  test.each([
    ['whole segments, evenly', 1557, 150, 3, 3, [0, 450, 900, 1200, 1557]],
    ['a short one first, then evenly', 2757, 150, 5, 2, [0, 300, 900, 1650, 2250, 2757]],
    ['one for a short video', 100, 150, 3, 2, [0, 100]],
    ['one where one is long enough', 450, 150, 3, 2, [0, 450]],
    ['one or two last frames go with the chunk before them', 302, 150, 1, 1, [0, 150, 302]],
    ['three last frames are a chunk', 303, 150, 1, 1, [0, 150, 300, 303]],
    ['exact multiples', 900, 150, 3, 3, [0, 450, 900]],
  ])('%s', (_, frames, segment, longest, first, edges) => {
    const chunks = cutChunks(frames, segment, longest, first);
    expect([0, ...chunks.map(({ to }) => to)]).toEqual(edges);
    expect(chunks.map(({ from }) => from)).toEqual(edges.slice(0, -1));
  });
});

const ffprobe = (changes: object = {}) => ({
  streams: [
    {
      index: 0,
      codec_type: 'video',
      codec_name: 'mjpeg',
      width: 500,
      height: 500,
      time_base: '1/90000',
      disposition: { attached_pic: 1 },
    },
    {
      index: 1,
      codec_type: 'video',
      codec_name: 'h264',
      width: 1920,
      height: 1080,
      time_base: '1/90000',
      r_frame_rate: '25/1',
      ...changes,
    },
    {
      index: 2,
      codec_type: 'audio',
      codec_name: 'aac',
      channels: 6,
      time_base: '1/48000',
      tags: { language: 'eng' },
    },
  ],
  format: { format_name: 'mov,mp4,m4a,3gp,3g2,mj2', start_time: '0.021' },
});

/** Side data of a stream that is stored with such a display matrix. */
const turned = (...rows: string[]) => ({
  side_data_list: [{ displaymatrix: rows.map((row, index) => `\n0000000${index}: ${row}`).join('') }],
});

describe('source', () => {
  test('cover art is not the picture', () => expect(readSource(ffprobe()).video?.stream).toBe(1));

  test.each([
    ['a quarter turn swaps the sides', turned('0 65536 0', '-65536 0 0'), 1080, 1920],
    ['half a turn does not', turned('-65536 0 0', '0 -65536 0'), 1920, 1080],
    [
      'pixels are stretched before the picture is turned',
      { ...turned('0 65536 0', '-65536 0 0'), width: 720, height: 576, sample_aspect_ratio: '64:45' },
      576,
      1024,
    ],
    ['wide samples stretch the width', { width: 720, height: 576, sample_aspect_ratio: '64:45' }, 1024, 576],
    ['an absurd sample aspect is square', { sample_aspect_ratio: '1:5000' }, 1920, 1080],
    ['an unknown sample aspect is square', { sample_aspect_ratio: '0:1' }, 1920, 1080],
  ])('%s', (_, changes, width, height) => {
    expect(readSource(ffprobe(changes)).video).toMatchObject({ width, height });
  });

  test('a file with neither picture nor sound is refused by what it has instead', () => {
    const text = { index: 0, codec_type: 'subtitle', codec_name: 'subrip', time_base: '1/1000' };
    expect(() => readSource({ ...ffprobe(), streams: [text] })).toThrow(/neither.*found: subrip/);
  });

  test.each([
    ['of an unknown codec', { codec_name: undefined, codec_tag_string: 'vvc1' }, /coded in a way.*vvc1/],
    ['without a size', { width: 0 }, /can not be decoded.*h264/],
  ])('a picture %s is not passed over for its sound', (_, change, words) => {
    const [, video, sound] = ffprobe(change).streams;
    expect(() =>
      readSource({ ...ffprobe(), streams: [video, sound].filter((one) => one !== undefined) }),
    ).toThrow(words);
  });

  test('sound alone lies on a grid of AAC frames, from where decoders begin, and keeps its cover', () => {
    const streams = ffprobe().streams.filter((_, index) => index !== 1);
    const source = readSource({
      ...ffprobe(),
      streams: streams.map((one) => ({ ...one, start_time: '0.025057' })),
    });
    const planned = planVideo(source, { from: 0, to: 60.025057 }, settings, 'r');
    expect(planned).toMatchObject({
      ...{ origin: 0.025057, cover: { stream: 0, width: 500, height: 500 } },
      ...{ rungs: [], chunks: [], delayFrames: 0, segmentFrames: 281 },
      frames: Math.ceil((60 * AUDIO_RATE) / AAC_FRAME),
      findings: [{ code: 'no-picture' }],
    });
    const [sound] = planned.audio;
    expect(audioEdges(planned, { frames: sound?.frames ?? 0 })).toEqual([
      ...Array.from({ length: 11 }, (_, index) => index * 281).filter((edge) => edge < planned.frames),
      planned.frames,
    ]);
  });

  test('packets: discarded ones do not count, a missing time is the decode time, order is that of showing', () => {
    const reader = new PacketReader(4, 1 / 90_000);
    for (const line of [
      '0,0,3600,KD_',
      '3600,0,3600,K__',
      '10800,3600,3600,___',
      '7200,7200,3600,___',
      'N/A,14400,5400,K__',
      '',
    ])
      reader.read(line);
    expect(reader.packets()).toEqual({
      pts: [3600, 7200, 10800, 14400],
      longestKeyGap: 10800,
      lastDuration: 5400,
      jumps: 0,
    });
    expect(() => reader.read('18000,18000,3600,___')).toThrow(
      expect.objectContaining({ code: 'too-many-frames' }),
    );
  });

  test.each<[what: string, dts: number, jumps: number]>([
    ['follows', 3600, 0],
    ['a second back', -90_000, 0],
    ['more than a second back', -90_001, 1],
    ['ten seconds ahead', 900_000, 0],
    ['more than ten seconds ahead', 900_001, 1],
  ])('packets: a decode time that %s: %d ticks, %d jumps', (_, dts, jumps) => {
    const reader = new PacketReader(4, 1 / 90_000);
    for (const line of ['0,0,3600,K__', `${dts},${dts},3600,___`]) reader.read(line);
    expect(reader.packets().jumps).toBe(jumps);
  });

  test('a packet that needs a key is refused', () => {
    const read = () => new PacketReader(9, 1 / 90_000).read('2002,0,2002,K_,Encryption info');
    expect(read).toThrow(expect.objectContaining({ code: 'encrypted' }));
  });
});

describe('plan', () => {
  const pts = steady(rational(25, 1), 1557, rational(1, 90000), 1890);
  const plan = planVideo(readSource(ffprobe()), { pts, longestKeyGap: 180000 }, settings, 'r');

  test('has as many frames as the source', () => expect(plan.frames).toBe(1557));
  test('counts slots from the first frame', () => expect(plan.picture?.firstPts).toBe(1890));
  test('has 2 s GOPs and 6 s segments', () =>
    expect([plan.gopFrames, plan.segmentFrames]).toEqual([50, 150]));
  test('at 29.97 fps a segment is 180 frames', () => {
    const ntsc = steady(rational(30000, 1001), 900, rational(1, 90000));
    const planned = planVideo(readSource(ffprobe()), { pts: ntsc, longestKeyGap: 0 }, settings, 'r');
    expect([planned.frames, planned.segmentFrames]).toEqual([900, 180]);
  });
  test('chunks cover the frames without hole or overlap, in whole segments', () => {
    expect(plan.chunks.length).toBeGreaterThan(1);
    expect(plan.chunks.at(-1)?.to).toBe(plan.frames);
    for (const [index, chunk] of plan.chunks.entries()) {
      expect(chunk.from % plan.segmentFrames).toBe(0);
      expect(chunk.from).toBe(plan.chunks[index - 1]?.to ?? 0);
    }
  });
  test('says how much work it is: its chunks, each with what cutting costs, and its sound', () => {
    const perSecond = workPerSecond(plan);
    const sound = plan.audio.reduce(
      (sum, { channels }) => sum + audioWork(durationOf(plan), channels, plan.loudness),
      0,
    );
    const chunks = plan.chunks.length * chunkWork(perSecond, 0) + perSecond * durationOf(plan);
    expect(plan.workSeconds).toBeCloseTo(chunks + sound, 1);
  });
  test('a plan as it is stored gives the work that it was cut by', () => {
    const stored = planSchema.parse(JSON.parse(JSON.stringify(plan)));
    expect(workPerSecond(stored)).toBe(workPerSecond(plan));
  });
  test('a slow preset and little time make shorter chunks', () => {
    const hour = { pts: steady(rational(25, 1), 90_000, rational(1, 90000)), longestKeyGap: 0 };
    const chunksOf = (changes: object) =>
      planVideo(readSource(ffprobe()), hour, encodeSettingsSchema.parse(changes), 'r').chunks.length;
    expect(chunksOf({})).toBe(121);
    expect(chunksOf({ turnaroundSeconds: 1200 })).toBeLessThan(50);
    expect(chunksOf({ turnaroundSeconds: 1200, preset: 'medium' })).toBeGreaterThan(50);
  });
  test('audio covers the picture and is cut within one AAC frame of its segments', () => {
    const [track] = plan.audio;
    if (!track) throw new Error('the source has sound');
    const edges = audioEdges(plan, track);
    expect(edges.at(-1)).toBe(track.frames);
    expect((track.frames * AAC_FRAME) / AUDIO_RATE - 1557 / 25).toBeLessThan(AAC_FRAME / AUDIO_RATE);
    for (const [index, edge] of edges.slice(0, -1).entries()) {
      const late = (edge * AAC_FRAME) / AUDIO_RATE - index * 6;
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThan(AAC_FRAME / AUDIO_RATE);
    }
  });
  test('a container without an index is read from before its longest key frame gap', () => {
    const ts = { ...ffprobe(), format: { format_name: 'mpegts', start_time: '1.4' } };
    const planned = planVideo(readSource(ts), { pts, longestKeyGap: 900_000 }, settings, 'r');
    expect(planned.picture?.preroll).toBeGreaterThan(10);
  });
  test.each([
    ['too long', { maxDurationSeconds: 60 }, 'too-long'],
    ['too many pixels', { maxPixels: 1_000_000 }, 'too-large'],
  ])('%s is refused', (_, limits, code) => {
    const limited = encodeSettingsSchema.parse(limits);
    const attempt = () => planVideo(readSource(ffprobe()), { pts, longestKeyGap: 0 }, limited, 'r');
    expect(attempt).toThrow(SourceError);
    expect(attempt).toThrow(expect.objectContaining({ code }));
  });
  test('a track without frames is refused', () => {
    const attempt = () => planVideo(readSource(ffprobe()), { pts: [], longestKeyGap: 0 }, settings, 'r');
    expect(attempt).toThrow(expect.objectContaining({ code: 'undecodable' }));
  });
  test('a picture that ends long before its file says so is a finding', () => {
    const longer = { ...ffprobe(), format: { format_name: 'mov', duration: '120' } };
    const planned = planVideo(readSource(longer), { pts, longestKeyGap: 0 }, settings, 'r');
    expect(planned.findings).toContainEqual(expect.objectContaining({ code: 'cut-off' }));
    expect(plan.findings).toEqual([]);
  });
  test('but not one that begins late, in a file that counts its length from zero', () => {
    const late = {
      ...ffprobe(),
      format: { format_name: 'mov', start_time: '60', duration: `${60 + durationOf(plan)}` },
    };
    const shifted = pts.map((time) => time + 60 * 90_000);
    const planned = planVideo(readSource(late), { pts: shifted, longestKeyGap: 0 }, settings, 'r');
    expect(planned.findings).toEqual([]);
  });
});

test('a frame lasts a whole number of ticks', () => {
  for (const rate of [rational(30000, 1001), rational(25, 1), rational(25, 2), rational(1, 1)]) {
    const { timescale, ticksPerFrame } = timescaleOf(rate);
    expect(timescale * rate.den).toBe(ticksPerFrame * rate.num);
    expect(Number.isInteger(ticksPerFrame)).toBe(true);
  }
});
