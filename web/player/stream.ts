/**
 * Plays a stream in a video element: by hls.js, or by the browser itself where there are no media source extensions
 * (iPhones before iOS 17.1).
 */
import Hls from 'hls.js';
import workerPath from 'hls.js/dist/hls.worker.js?url';

const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** Milliseconds between attempts after hls.js's own retries have failed. */
const NETWORK_RETRY = 2000;

/** Milliseconds before the first and second recovery from media errors; a third one soon after does not help. */
const MEDIA_RETRY = [0, 2000];

/** Milliseconds after which a media error is forgotten. */
const MEDIA_MEMORY = 30_000;

/** The mark of a video without sound, which no browser tells of by itself. */
const SILENT = 'data-silent';

/** Shows a sentence on what is wrong, and takes it away when called with ''. */
export type Say = (text: string) => void;

/** How hls.js is to play. No more pixels than the player shows, unless a quality is chosen by hand. */
const hlsOptions = (startPosition: number) => ({ workerPath, capLevelToPlayerSize: true, startPosition });

/**
 * Recovers from what hls.js calls fatal, the way its API page advises, and says what is going on.
 * https://github.com/video-dev/hls.js/blob/master/docs/API.md#fatal-error-recovery
 */
function recover(hls: Hls, video: HTMLVideoElement, url: string, say: Say): void {
  let mediaErrors: number[] = [];
  let retrying: ReturnType<typeof setTimeout> | undefined;
  let troubled: string | undefined; // 'main' or 'audio': whose next segment shows that all is well again

  function recoverNetwork(): void {
    say('The connection was lost. Trying again …');
    retrying = setTimeout(() => {
      if (hls.levels.length === 0) hls.loadSource(url);
      else hls.startLoad();
    }, NETWORK_RETRY);
  }

  function recoverMedia(): void {
    const now = performance.now();
    mediaErrors = mediaErrors.filter((time) => now - time < MEDIA_MEMORY);
    const wait = MEDIA_RETRY[mediaErrors.length];
    if (wait === undefined) {
      hls.destroy();
      say('This browser cannot decode the video. Reload the page to try again, or use another browser.');
      return;
    }
    mediaErrors.push(now);
    say('The picture got stuck. Trying again …');
    retrying = setTimeout(() => {
      const playing = !video.paused;
      hls.recoverMediaError();
      if (playing) void start(video);
    }, wait);
  }

  hls.on(Hls.Events.ERROR, (_, { fatal, type, parent }) => {
    if (!fatal) return;
    troubled = parent;
    if (type === Hls.ErrorTypes.NETWORK_ERROR) recoverNetwork();
    else recoverMedia();
  });
  hls.on(Hls.Events.DESTROYING, () => clearTimeout(retrying));
  hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => {
    if (troubled === undefined || frag.type === troubled) say('');
  });
}

/**
 * Gives the stream to the video element.
 * @param from seconds of the stream at which it begins
 * @returns hls.js, or `undefined` where the browser plays by itself or cannot play at all
 */
export function load(video: HTMLVideoElement, url: string, from: number, say: Say): Hls | undefined {
  if (Hls.isSupported()) {
    const hls = new Hls(hlsOptions(from));
    recover(hls, video, url, say);
    hls.on(Hls.Events.MANIFEST_PARSED, (_, { audio, audioTracks }) => {
      video.toggleAttribute(SILENT, !audio && audioTracks.length === 0);
    });
    hls.loadSource(url);
    hls.attachMedia(video);
    return hls;
  }
  if (video.canPlayType(HLS_TYPE) === '') {
    say('This browser cannot play HLS streams. Any current browser can.');
    return undefined;
  }
  video.addEventListener('error', () =>
    say(`The video does not play: ${video.error?.message}. Reload to try again.`),
  );
  video.addEventListener('loadedmetadata', () => {
    video.currentTime = from;
  });
  video.src = url;
  return undefined;
}

/**
 * Starts playing: without sound where the browser wants a tap before it lets a page be heard.
 * @returns whether sound had to be turned off
 */
export async function start(video: HTMLVideoElement): Promise<boolean> {
  try {
    await video.play();
    return false;
  } catch (error) {
    // Anything else than a refusal is told by hls.js or by the element's own error event.
    if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return false;
    video.muted = true;
    await video.play().catch(() => {}); // refused even so: the controls still have their play button
    return !video.hasAttribute(SILENT);
  }
}
