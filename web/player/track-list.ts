/**
 * Lists of what can be chosen, as media-chrome reads them from a media element: the proposal for renditions, and
 * HTML's `audioTracks`, which Chromium and Firefox lack.
 * https://github.com/video-dev/media-ui-extensions/blob/main/proposals/0008-video-renditions.md
 */
import Hls from 'hls.js';
import { languageName } from '../shared/words.ts';

/** The audio group whose variants repeat those of the other (video/audio-groups.ts). */
const SURROUND = 'surround';

/** An array that tells of its changes. */
class TrackList<T> extends Array<T> {
  readonly #events = new EventTarget();
  addEventListener(...listening: Parameters<EventTarget['addEventListener']>): void {
    this.#events.addEventListener(...listening);
  }
  removeEventListener(...listening: Parameters<EventTarget['removeEventListener']>): void {
    this.#events.removeEventListener(...listening);
  }
  dispatchEvent(event: Event): boolean {
    return this.#events.dispatchEvent(event);
  }
  /** Puts others in the place of all items. */
  replace(items: readonly T[], type: string): void {
    this.splice(0, this.length, ...items);
    this.dispatchEvent(new Event(type));
  }
}

interface Rendition {
  /** hls.js's level. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** Bits a second. */
  readonly bitrate: number;
}

const AUTO = -1;

/** What can be seen. Choosing takes effect from the next segment, so that playing goes on. */
class Renditions extends TrackList<Rendition> {
  #hls: Hls | undefined;

  connect(hls: Hls): void {
    this.#hls = hls;
    // Each picture comes with stereo, and may come with 5.1 again: it is one choice. Sound alone has none.
    const pictures = hls.levels
      .map((level, index) => ({ level, index }))
      .filter(({ level }) => level.height > 0 && level.attrs['AUDIO'] !== SURROUND);
    const renditions = pictures.map(({ level, index }) => ({
      id: String(index),
      width: level.width,
      height: level.height,
      bitrate: level.averageBitrate || level.bitrate,
    }));
    this.replace(renditions.length > 1 ? renditions : [], 'addrendition');
  }

  /** Place of the one that was chosen; -1 where hls.js chooses. */
  get selectedIndex(): number {
    if (!this.#hls || this.#hls.autoLevelEnabled) return AUTO;
    return this.findIndex(({ id }) => id === String(this.#hls?.nextLevel));
  }

  set selectedIndex(index: number) {
    if (!this.#hls) return;
    this.#hls.nextLevel = Number(this[index]?.id ?? AUTO);
    this.dispatchEvent(new Event('change'));
  }
}

interface Sound {
  readonly id: string;
  readonly kind: string;
  readonly label: string;
  readonly language: string;
  enabled: boolean;
}

/** What can be heard. */
class Sounds extends TrackList<Sound> {
  connect(hls: Hls): void {
    const sounds = hls.audioTracks.map((track, index) => ({
      id: String(index),
      kind: index === 0 ? 'main' : 'alternative',
      label: labelOf(track.name, track.lang),
      language: track.lang ?? '',
      get enabled() {
        return hls.audioTrack === index;
      },
      set enabled(enabled: boolean) {
        if (enabled) hls.audioTrack = index;
      },
    }));
    this.replace(sounds, 'addtrack');
  }
}

/** `Commentary (English)`, or `English` where that is the name. */
function labelOf(name: string, language: string | undefined): string {
  const known = languageName(language);
  return known === '' || name.startsWith(known) ? name : `${name} (${known})`;
}

/** What media-chrome's menus choose among. Made before its elements are, for they look once. */
export function giveLists(video: HTMLVideoElement) {
  const lists = { videoRenditions: new Renditions(), audioTracks: new Sounds() };
  for (const [name, value] of Object.entries(lists)) Object.defineProperty(video, name, { value });
  return lists;
}

/** Keeps the lists as hls.js has them. */
export function fillLists({ videoRenditions, audioTracks }: ReturnType<typeof giveLists>, hls: Hls): void {
  hls.on(Hls.Events.MANIFEST_PARSED, () => videoRenditions.connect(hls));
  hls.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => audioTracks.connect(hls));
  hls.on(Hls.Events.AUDIO_TRACK_SWITCHED, () => audioTracks.dispatchEvent(new Event('change')));
}
