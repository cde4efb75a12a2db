// Plays a stream in a video element: by hls.js, or by the browser itself where there are no media source
// extensions (iPhones before iOS 17.1).
import Hls from 'hls.js';
import workerPath from 'hls.js/dist/hls.worker.js?url';

const HLS_TYPE = 'application/vnd.apple.mpegurl';

/** Time between attempts after hls.js's own retries have failed. */
const NETWORK_RETRY_MILLISECONDS = 2000;

/** Waits before the first and second recovery from media errors; a third one soon after does not help. */
const MEDIA_RETRY_MILLISECONDS = [0, 2000];

/** Media errors older than this are forgotten. */
const MEDIA_MEMORY_MILLISECONDS = 30_000;

/**
 * Recovers from what hls.js calls fatal, the way its API page advises, and says what is going on.
 * https://github.com/video-dev/hls.js/blob/master/docs/API.md#fatal-error-recovery
 */
function recover(hls, video, url, say) {
  let mediaErrors = [];
  let troubled; // 'main' or 'audio': whose next segment shows that all is well again

  function recoverNetwork() {
    say('The connection was lost. Trying again …');
    setTimeout(() => {
      if (hls.levels.length === 0) hls.loadSource(url);
      else hls.startLoad();
    }, NETWORK_RETRY_MILLISECONDS);
  }

  function recoverMedia() {
    const now = performance.now();
    mediaErrors = mediaErrors.filter((time) => now - time < MEDIA_MEMORY_MILLISECONDS);
    const wait = MEDIA_RETRY_MILLISECONDS[mediaErrors.length];
    if (wait === undefined) {
      hls.destroy();
      say('This browser cannot decode the video. Reload the page to try again, or use another browser.');
      return;
    }
    mediaErrors.push(now);
    say('The picture got stuck. Trying again …');
    setTimeout(() => {
      const playing = !video.paused;
      hls.recoverMediaError();
      if (playing) start(video);
    }, wait);
  }

  hls.on(Hls.Events.ERROR, (_, { fatal, type, parent }) => {
    if (!fatal) return;
    troubled = parent;
    if (type === Hls.ErrorTypes.NETWORK_ERROR) recoverNetwork();
    else recoverMedia();
  });
  hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag }) => {
    if (troubled === undefined || frag.type === troubled) say('');
  });
}

/**
 * Gives the stream to the video element.
 * @param say shows a sentence on what is wrong, and takes it away when called with ''
 * @returns hls.js, or `undefined` where the browser plays by itself or cannot play at all
 */
export function load(video, url, say) {
  if (Hls.isSupported()) {
    // No more pixels than the player shows, unless a quality is chosen by hand.
    const hls = new Hls({ workerPath, capLevelToPlayerSize: true });
    recover(hls, video, url, say);
    hls.loadSource(url);
    hls.attachMedia(video);
    return hls;
  }
  if (video.canPlayType(HLS_TYPE) === '') {
    say('This browser cannot play HLS streams. Any current browser can.');
    return undefined;
  }
  video.addEventListener('error', () =>
    say(`The video does not play: ${video.error.message}. Reload to try again.`),
  );
  video.src = url;
  return undefined;
}

/**
 * Starts playing: without sound where the browser wants a tap before it lets a page be heard.
 * @returns whether the sound had to be turned off
 */
export async function start(video) {
  try {
    await video.play();
    return false;
  } catch (error) {
    // Anything else than a refusal is told by hls.js or by the element's own error event.
    if (error.name !== 'NotAllowedError') return false;
    video.muted = true;
    await video.play().catch(() => {}); // refused even so: the controls still have their play button
    return true;
  }
}
