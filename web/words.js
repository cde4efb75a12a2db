// Values as people read them.

/** 75.4 seconds are `1:15`, 3675 are `1:01:15`. */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, i) => (i === 0 ? part : String(part).padStart(2, '0'))).join(':');
}

/** 2140000 bits a second are `2.1 Mbit/s`, 340000 are `340 kbit/s`. */
export function bitRate(bitsPerSecond) {
  if (bitsPerSecond < 1e6) return `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

/** A rung is called by its shorter side, so that upright video has the same names: 1080 x 1920 is `1080p`. */
export function rungName({ width, height }) {
  return `${Math.min(width || height, height)}p`;
}

/** The state in a word or two. */
export function stateName({ state, percent }) {
  const names = {
    queued: 'Waiting',
    encoding: `Encoding ${Math.floor(percent)} %`,
    ready: 'Ready',
    failed: 'Failed',
  };
  return names[state];
}

const LANGUAGES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/** `de` is German; nothing where no language is told. */
export function languageName(tag = 'und') {
  return tag === 'und' ? '' : (LANGUAGES.of(tag) ?? '');
}

const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });

/** Picture size and day of upload, as far as they are known. */
export function facts({ width, height, uploadedAt }) {
  const size = width && height ? [`${width} × ${height}`] : [];
  return [...size, DATE.format(new Date(uploadedAt))].join(' · ');
}
