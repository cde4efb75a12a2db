/** Values as people read them. */
import type { Video } from '../../api/client/index.ts';

/** 75.4 seconds are `1:15`, 3675 are `1:01:15`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
}

/** `1:02:03`, `62:03`, `75`, `75s`, `1m15s` or `1h2m3s` in seconds, as share links say it; undefined where it is no time. */
export function secondsOf(text: string): number | undefined {
  const units = /^(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?$/.exec(text);
  const colons = /^(?:(\d+):)?(\d+):(\d{1,2})$/.exec(text);
  const found = units ?? colons;
  if (text === '' || !found) return undefined;
  const [hours, minutes, seconds] = found.slice(1).map((part) => Number(part ?? 0));
  return (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0);
}

/** How long something takes, roughly: `less than a minute`, `3 min`, `1 h 20 min`. */
export function timeLeft(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 1) return 'less than a minute';
  if (minutes < 60) return `${minutes} min`;
  const rest = minutes % 60;
  return rest === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

/** A time that was measured: `4.2 s`, `58 s`, `3 min 20 s`. */
export function spentTime(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds >= 3600) return timeLeft(seconds);
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** US dollars that may be tiny: `$0.0042`, `$1.20`; of less than a hundredth of a cent, that it is less. */
export function money(usd: number): string {
  if (usd > 0 && usd < 0.0001) return 'less than $0.0001';
  return `$${usd.toFixed(usd > 0 && usd < 0.1 ? 4 : 2)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** 12345678 bytes are `12.3 MB`, 345 are `345 B`. */
export function bytes(count: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(count, 1)) / 3));
  const value = count / 1000 ** unit;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

const LANGUAGES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/** `de` is German; nothing where no language is told. */
export function languageName(tag = 'und'): string {
  return tag === 'und' ? '' : (LANGUAGES.of(tag) ?? '');
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** The day of a moment in ISO 8601. */
export const day = (moment: string): string => DATE.format(new Date(moment));

/** Whole percent: never more than is done. */
export const percent = (value: number): string => `${Math.floor(value)} %`;

/** What went wrong, as the platform or the browser says it. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The states in a word: what a screen reader says, which reads every change. */
export const STATE_NAMES = {
  uploading: 'Uploading',
  queued: 'Waiting',
  encoding: 'Encoding',
  ready: 'Ready',
  failed: 'Failed',
} as const satisfies Record<Video['state'], string>;

/** The state, and how far that is, or what keeps it waiting. */
export function stateName({
  state,
  percent: done,
  heldBy,
}: Pick<Video, 'state' | 'percent' | 'heldBy'>): string {
  if (state === 'queued' && heldBy) return `${STATE_NAMES.queued}: the ${heldBy} spending ceiling is reached`;
  return state === 'encoding' ? `${STATE_NAMES.encoding} ${percent(done)}` : STATE_NAMES[state];
}

/** The size of the picture: a rung is called by its shorter side, so that upright video has the same names. */
export function pictureSize({ width, height }: Pick<Video, 'width' | 'height'>): string[] {
  return width && height ? [`${Math.min(width, height)}p`] : [];
}
