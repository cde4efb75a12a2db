/** One run of the checker: reads, and gathers what is found. */
import { checkDelivery } from './delivery.ts';
import { type Finding, finding, messageOf, type Place } from './finding.ts';
import type { ByteRange, Reader, ResourceKind } from './reader.ts';

/** Bytes beyond which a resource is not read: nobody's player would. */
const LIMITS: Readonly<Record<ResourceKind, number>> = {
  playlist: 64 << 20,
  init: 16 << 20,
  segment: 512 << 20,
  text: 16 << 20,
  key: 1 << 10,
};

export class Session {
  readonly findings: Finding[] = [];
  /** What could not be checked, and why. */
  readonly unchecked = new Set<string>();
  readonly #reader: Reader;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** Reads what a playlist names; what can not be read, or came wrongly, is a finding. */
  async read(url: string, kind: ResourceKind, place: Place, range?: ByteRange): Promise<Buffer | undefined> {
    try {
      if (!URL.canParse(url)) throw new Error(`'${url}' is no URL`);
      const { bytes, delivery } = await this.#reader.read(url, kind, LIMITS[kind], range);
      if (delivery) this.findings.push(...checkDelivery(delivery, kind, bytes.length, place));
      if (!range || bytes.length === range.length) return bytes;
      const wanted = `bytes ${range.offset} to ${range.offset + range.length - 1} of ${url}`;
      const message = `${wanted} are not all there: it ends at ${range.offset + bytes.length}`;
      this.findings.push(finding('byte-range', place, message));
      return undefined;
    } catch (error) {
      this.findings.push(finding('resolves', place, messageOf(error)));
      return undefined;
    }
  }
}
