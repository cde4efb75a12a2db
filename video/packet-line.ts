/** One packet, as ffprobe lists it for `packetArguments` and `soundPacketArguments`. */

/** Side data of a packet that nobody can decode without a key (ffmpeg's `AV_PKT_DATA_ENCRYPTION_INFO`). */
const ENCRYPTED = 'Encryption info';

/** Times are in ticks or in seconds, as they were asked for. */
export interface ListedPacket {
  /** When it is presented: at its decode time where it says no other; undefined where it says neither. */
  readonly time: number | undefined;
  /** NaN where it has none. */
  readonly dts: number;
  /** 0 where it is not known. */
  readonly duration: number;
  readonly isKey: boolean;
  /** An edit list leaves it out of what is presented. */
  readonly isDiscarded: boolean;
  readonly isEncrypted: boolean;
}

/** @param line such as `1890,-2110,3600,K_` or `N/A,3600,N/A,__,MPEGTS Stream ID` */
export function readPacket(line: string): ListedPacket {
  const [pts = '', decode, duration, flags = '', ...sideData] = line.split(',');
  const dts = Number(decode);
  const time = Number.isNaN(Number(pts)) ? dts : Number(pts);
  return {
    time: pts === '' || Number.isNaN(time) ? undefined : time,
    dts,
    duration: Number(duration) || 0,
    isKey: flags.includes('K'),
    isDiscarded: flags.includes('D'),
    isEncrypted: sideData.includes(ENCRYPTED),
  };
}
