// What the pages know of videos: fetched from the API, and again while something is still going on.

const REFRESH_MILLISECONDS = 2000;

async function getJson(path) {
  const response = await fetch(path);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

/** All videos, newest first. Throws where the server does not answer. */
export async function listVideos() {
  const { videos } = await getJson('/api/videos');
  return videos;
}

/** One video; `undefined` where there is none. Throws where the server does not answer. */
export const showVideo = (id) => getJson(`/api/videos/${encodeURIComponent(id)}`);

/** Whether a video's state can still change by itself. */
export const isUnfinished = ({ state }) => state === 'queued' || state === 'encoding';

/**
 * Calls `refresh` now, every two seconds for as long as it answers `true`, and whenever the tab comes into view.
 * A tab that is not seen asks for nothing.
 */
export function keepFresh(refresh) {
  let timer;
  let busy = false;
  async function run() {
    clearTimeout(timer);
    if (document.hidden || busy) return;
    busy = true;
    const unfinished = await refresh();
    busy = false;
    if (unfinished) timer = setTimeout(run, REFRESH_MILLISECONDS);
  }
  document.addEventListener('visibilitychange', run);
  run();
}
