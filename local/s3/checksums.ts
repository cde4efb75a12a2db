/** The checksums that S3 clients send: each a running digest over a body. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Header suffix of each algorithm: `x-amz-checksum-<name>`. */
export const ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

/** `undefined` for names of no algorithm that is built here. */
export const algorithmOf = (name: string | undefined): Algorithm | undefined =>
  ALGORITHMS.find((algorithm) => algorithm === name?.toLowerCase());

export interface Checksum {
  readonly algorithm: Algorithm;
  /** Base64, as S3's headers have it. */
  readonly value: string;
}

export interface RunningChecksum {
  update(bytes: Uint8Array): void;
  digest(): string;
}

/** The CRCs' polynomials, reflected. CRC-32C: RFC 3720, appendix B.4. CRC-64/NVME: NVM Express, "64b CRC". */
const POLYNOMIALS = {
  crc32: { bits: 32n, polynomial: 0xedb88320n },
  crc32c: { bits: 32n, polynomial: 0x82f63b78n },
  crc64nvme: { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n },
} as const;
export type Crc = keyof typeof POLYNOMIALS;

export const isCrc = (algorithm: Algorithm): algorithm is Crc => algorithm in POLYNOMIALS;

/** The CRC of every byte value, followed by 0 to 3 zero bytes: 4 x 256 values, in halves of 32 bits. */
function tables(polynomial: bigint): { high: Int32Array; low: Int32Array } {
  const values: bigint[] = [];
  for (let byte = 0n; byte < 256n; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    values.push(crc);
  }
  for (let index = 256; index < 1024; index++) {
    const before = values[index - 256] ?? 0n;
    values.push((before >> 8n) ^ (values[Number(before & 255n)] ?? 0n));
  }
  return {
    high: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value >> 32n))),
    low: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value))),
  };
}

/** A CRC in JavaScript, four bytes a step ("slicing by 4"): a byte a step is four times as slow. */
function crcSum(algorithm: Crc): RunningChecksum {
  const { bits, polynomial } = POLYNOMIALS[algorithm];
  const { high: H, low: L } = tables(polynomial);
  let high = bits === 64n ? -1 : 0;
  let low = -1;
  return {
    update(bytes) {
      const whole = bytes.length & ~3;
      let index = 0;
      while (index < whole) {
        low ^=
          (bytes[index] ?? 0) |
          ((bytes[index + 1] ?? 0) << 8) |
          ((bytes[index + 2] ?? 0) << 16) |
          ((bytes[index + 3] ?? 0) << 24);
        index += 4;
        const [a, b, c, d] = [
          768 + (low & 255),
          512 + ((low >>> 8) & 255),
          256 + ((low >>> 16) & 255),
          low >>> 24,
        ];
        low = high ^ (L[a] ?? 0) ^ (L[b] ?? 0) ^ (L[c] ?? 0) ^ (L[d] ?? 0);
        high = (H[a] ?? 0) ^ (H[b] ?? 0) ^ (H[c] ?? 0) ^ (H[d] ?? 0);
      }
      for (; index < bytes.length; index++) {
        const entry = (low ^ (bytes[index] ?? 0)) & 255;
        low = ((low >>> 8) | (high << 24)) ^ (L[entry] ?? 0);
        high = (high >>> 8) ^ (H[entry] ?? 0);
      }
    },
    digest: () => words(bits === 64n ? [~high, ~low] : [~low]),
  };
}

function words(values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeInt32BE(value | 0, index * 4);
  return bytes.toString('base64');
}

/** Node's own. */
function crc32Sum(): RunningChecksum {
  let crc = 0;
  return {
    update(bytes) {
      crc = crc32(bytes, crc);
    },
    digest: () => words([crc]),
  };
}

/** A new running checksum. */
export function checksum(algorithm: Algorithm): RunningChecksum {
  if (algorithm === 'crc32') return crc32Sum();
  if (isCrc(algorithm)) return crcSum(algorithm);
  const hash = createHash(algorithm);
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest('base64') };
}

/** A multipart object's COMPOSITE checksum: that of its parts' checksums, and their number. */
export function composite(algorithm: Algorithm, parts: readonly string[]): string {
  const sum = checksum(algorithm);
  for (const part of parts) sum.update(Buffer.from(part, 'base64'));
  return `${sum.digest()}-${parts.length}`;
}

/**
 * A multipart object's FULL_OBJECT checksum, from its parts' alone, without reading them again: a CRC is a
 * remainder of polynomials, so the CRC of two parts is that of the first times x^(8 * length of the second), plus
 * that of the second (zlib's `crc32_combine` does the same).
 */
export function fullObject(algorithm: Crc, parts: readonly { value: string; size: number }[]): string {
  const { bits, polynomial } = POLYNOMIALS[algorithm];
  const multiply = (a: bigint, b: bigint): bigint => {
    let product = 0n;
    for (let mask = 1n << (bits - 1n), factor = b; mask > 0n; mask >>= 1n) {
      if (a & mask) product ^= factor;
      factor = factor & 1n ? (factor >> 1n) ^ polynomial : factor >> 1n;
    }
    return product;
  };
  /** x^(8 * bytes); the highest bit is x^0. */
  const shift = (bytes: number): bigint => {
    let power = 1n << (bits - 1n);
    let square = 1n << (bits - 9n);
    for (let rest = BigInt(bytes); rest > 0n; rest >>= 1n) {
      if (rest & 1n) power = multiply(power, square);
      square = multiply(square, square);
    }
    return power;
  };
  // Nearly all parts have the same size.
  const shifts = new Map<number, bigint>();
  let crc = 0n;
  for (const { value, size } of parts) {
    const factor = shifts.get(size) ?? shift(size);
    shifts.set(size, factor);
    crc = multiply(crc, factor) ^ BigInt(`0x${Buffer.from(value, 'base64').toString('hex')}`);
  }
  return Buffer.from(crc.toString(16).padStart(Number(bits) / 4, '0'), 'hex').toString('base64');
}
