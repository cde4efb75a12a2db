/** What a picture file is, read from its first bytes: its format and its size. Nothing is decoded. */

export interface ImageHeader {
  /** The end of its name. */
  readonly suffix: '.jpg' | '.png' | '.webp';
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

const text = (bytes: Buffer, start: number, end: number) => bytes.toString('latin1', start, end);

/** The frame header of a JPEG (ITU-T T.81, B.2.2) is the first of these segments: SOF0 to SOF15 without DHT, JPG and DAC. */
const isFrameHeader = (marker: number) =>
  marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);

function jpegSize(bytes: Buffer): [width: number, height: number] | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes.readUInt8(at + 1);
    if (isFrameHeader(marker)) return [bytes.readUInt16BE(at + 7), bytes.readUInt16BE(at + 5)];
    // A marker may be led by any number of 0xff.
    at += marker === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}

/** https://www.w3.org/TR/png-3/#11IHDR */
function pngSize(bytes: Buffer): [width: number, height: number] | undefined {
  if (bytes.length < 24 || text(bytes, 0, 16) !== '\x89PNG\r\n\x1a\n\0\0\0\rIHDR') return undefined;
  return [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
}

/** RFC 9649, 2.5 to 2.7: the first chunk of the three kinds. */
function webpSize(bytes: Buffer): [width: number, height: number] | undefined {
  if (bytes.length < 30 || text(bytes, 0, 4) !== 'RIFF' || text(bytes, 8, 12) !== 'WEBP') return undefined;
  switch (text(bytes, 12, 16)) {
    case 'VP8X':
      return [1 + bytes.readUIntLE(24, 3), 1 + bytes.readUIntLE(27, 3)];
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21);
      return [1 + (bits & 0x3fff), 1 + ((bits >>> 14) & 0x3fff)];
    }
    case 'VP8 ':
      return [bytes.readUInt16LE(26) & 0x3fff, bytes.readUInt16LE(28) & 0x3fff];
    default:
      return undefined;
  }
}

const READERS = [
  ['.jpg', jpegSize],
  ['.png', pngSize],
  ['.webp', webpSize],
] as const;

/** What a picture is; undefined where it is no JPEG, PNG or WebP, or has no pixels. */
export function imageHeader(file: Uint8Array): ImageHeader | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  for (const [suffix, sizeOf] of READERS) {
    const [width = 0, height = 0] = sizeOf(bytes) ?? [];
    if (width > 0 && height > 0) return { suffix, width, height };
  }
  return undefined;
}
