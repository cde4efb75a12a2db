/** `/embed/<id>`: the player in another site's frame. It starts when somebody wants it to, from `t=` on. */
import { SpotreelClient, type Video } from '../../api/client/index.ts';
import type { LiveVideo } from '../../api/client/live.ts';
import { followVideos, isTurn } from '../live.ts';
import { Place } from '../player/place.ts';
import { byId, setText } from '../shared/dom.ts';
import { keepFresh } from '../shared/fresh.ts';
import { isMissing } from '../shared/session.ts';
import { secondsOf, stateName } from '../shared/words.ts';

/** Without a token: what is shown on other sites is what anybody may see. */
const client = new SpotreelClient({ url: location.origin });
const id = decodeURIComponent(location.pathname.split('/')[2] ?? '');
const from = secondsOf(new URLSearchParams(location.search).get('t') ?? '') ?? 0;
const place = new Place(byId('player'));

const say = (text: string): void => setText(byId('words'), text);

async function play(video: Video, playbackUrl: string): Promise<void> {
  if (place.isTaken) return;
  say('');
  byId('player').hidden = false;
  try {
    await place.open({ ...video, playbackUrl }, from, say);
  } catch {
    sayInstead('The player could not be loaded. Reload the page to try again.');
  }
}

/** Says what is the matter in the place of the player. */
function sayInstead(text: string): void {
  place.close();
  byId('player').hidden = true;
  say(text);
}

function show(video: Video): void {
  document.title = video.title;
  setText(byId('title'), video.title);
  if (video.playbackUrl !== undefined) void play(video, video.playbackUrl);
  else if (video.state === 'failed') sayInstead('This video can not be played.');
  else sayInstead(`${stateName(video)}. The video appears here when it is ready.`);
}

let isFollowed = false;
let heard: LiveVideo | undefined;

/** Of a video that is whole, other sites' visitors load the player alone. */
function followOnce(): void {
  if (isFollowed) return;
  isFollowed = true;
  void followVideos(client, {
    video: id,
    onState(live) {
      const isNews = isTurn(heard, live);
      heard = live;
      if (isNews) refresh();
    },
  });
}

const refresh = keepFresh(async () => {
  try {
    const video = await client.showVideo(id);
    show(video);
    if (video.state !== 'ready' && video.state !== 'failed') followOnce();
  } catch (error) {
    if (isMissing(error)) sayInstead('There is no such video.');
    else if (!place.isTaken) {
      say('The server does not answer. Trying again …');
      return false;
    }
  }
  return true;
});
