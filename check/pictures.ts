/** Looks into a picture's NAL units (ISO/IEC 14496-10 table 7-1, 23008-2 table 7-1). */
import type { Sample } from './fragments.ts';
import type { Track } from './init.ts';

const AVC = { idr: [5], first: 1, last: 5, sei: [6] };
/** IDR_W_RADL, IDR_N_LP; VCL types are 0 to 31; prefix SEI. */
const HEVC = { idr: [19, 20], first: 0, last: 31, sei: [39] };

function* nalUnits(data: Buffer, track: Track, sample: Sample): Generator<{ type: number; bytes: Buffer }> {
  const lengthSize = track.nalLength ?? 4;
  const hevc = track.entry.startsWith('h');
  const end = Math.min(sample.offset + sample.size, data.length);
  for (let at = sample.offset; at + lengthSize < end; ) {
    const length = data.readUIntBE(at, lengthSize);
    const header = data.readUInt8(at + lengthSize);
    const bytes = data.subarray(at + lengthSize, Math.min(at + lengthSize + length, end));
    yield { type: hevc ? (header >> 1) & 63 : header & 31, bytes };
    at += lengthSize + length;
  }
}

/** Whether a sample is an IDR picture; for codecs without NAL units, whether it is flagged as one. */
export function isKeyPicture(data: Buffer, track: Track, sample: Sample): boolean {
  if (track.nalLength === undefined) return sample.sync;
  const { idr, first, last } = track.entry.startsWith('h') ? HEVC : AVC;
  for (const { type } of nalUnits(data, track, sample)) {
    if (type >= first && type <= last) return idr.includes(type);
  }
  return false;
}

/** itu_t_t35 of CEA-608/708 captions: country US, provider ATSC, GA94, cc_data (ATSC A/53 part 4, 6.2.3). */
const CAPTIONS = Buffer.from([0xb5, 0x00, 0x31, 0x47, 0x41, 0x39, 0x34, 0x03]);

/** Whether a picture carries captions. */
export function hasCaptions(data: Buffer, track: Track, sample: Sample): boolean {
  if (track.nalLength === undefined) return false;
  const { sei } = track.entry.startsWith('h') ? HEVC : AVC;
  return nalUnits(data, track, sample).some(
    ({ type, bytes }) => sei.includes(type) && bytes.includes(CAPTIONS),
  );
}
