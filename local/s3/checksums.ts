/** The checksums that S3 clients send: each a running digest over a body. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** Header suffix of each algorithm: `x-amz-checksum-<name>`. */
export const ALGORITHMS = ['crc32', 'crc32c', 'crc64nvme', 'sha1', 'sha256'] as const;
export type Algorithm = (typeof ALGORITHMS)[number];

export const isAlgorithm = (name: string): name is Algorithm =>
  (ALGORITHMS as readonly string[]).includes(name);

export interface Checksum {
  update(bytes: Uint8Array): void;
  /** Base64, as S3's headers have it. */
  digest(): string;
}

/** Reflected CRC-32C (Castagnoli, RFC 3720 appendix B.4). */
const CRC32C = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Reflected CRC-64/NVME, its polynomial in two halves (NVM Express, "64b CRC"). */
const CRC64 = Array.from({ length: 256 }, (_, byte) => {
  let crc = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
  return crc;
});
const CRC64_HIGH = Uint32Array.from(CRC64, (value) => Number(value >> 32n));
const CRC64_LOW = Uint32Array.from(CRC64, (value) => Number(value & 0xffffffffn));

function words(...values: readonly number[]): string {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4);
  return bytes.toString('base64');
}

function crc32Sum(): Checksum {
  let crc = 0;
  return {
    update(bytes) {
      crc = crc32(bytes, crc);
    },
    digest: () => words(crc),
  };
}

function crc32cSum(): Checksum {
  let crc = 0xffffffff;
  return {
    update(bytes) {
      for (const byte of bytes) crc = (CRC32C[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8);
    },
    digest: () => words(~crc),
  };
}

function crc64Sum(): Checksum {
  let high = 0xffffffff;
  let low = 0xffffffff;
  return {
    update(bytes) {
      for (const byte of bytes) {
        const index = (low ^ byte) & 255;
        low = ((low >>> 8) | (high << 24)) ^ (CRC64_LOW[index] ?? 0);
        high = (high >>> 8) ^ (CRC64_HIGH[index] ?? 0);
      }
    },
    digest: () => words(~high, ~low),
  };
}

function hashSum(name: 'sha1' | 'sha256' | 'md5'): Checksum {
  const hash = createHash(name);
  return {
    update(bytes) {
      hash.update(bytes);
    },
    digest: () => hash.digest('base64'),
  };
}

/** A new running checksum. */
export function checksum(algorithm: Algorithm | 'md5'): Checksum {
  switch (algorithm) {
    case 'crc32':
      return crc32Sum();
    case 'crc32c':
      return crc32cSum();
    case 'crc64nvme':
      return crc64Sum();
    default:
      return hashSum(algorithm);
  }
}

/** A multipart object's composite checksum: that of its parts' checksums, and their number. */
export function composite(algorithm: Algorithm, parts: readonly string[]): string {
  const sum = checksum(algorithm);
  for (const part of parts) sum.update(Buffer.from(part, 'base64'));
  return `${sum.digest()}-${parts.length}`;
}
