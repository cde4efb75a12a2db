/** `/embed/<id>`: the player in another site's frame. It starts when somebody wants it to, from `t=` on. */
import { ApiError, SpotreelClient, type Video } from '../../api/client/index.ts';
import type { LiveVideo } from '../../api/client/live.ts';
import { followVideos, isTurn } from '../live.ts';
import { openPlayer } from '../player/player.ts';
import { byId, setText } from '../shared/dom.ts';
import { keepFresh } from '../shared/fresh.ts';
import { secondsOf, stateName } from '../shared/words.ts';

/** Without a token: what is shown on other sites is what anybody may see. */
const client = new SpotreelClient({ url: location.origin });
const id = decodeURIComponent(location.pathname.split('/')[2] ?? '');
const from = secondsOf(new URLSearchParams(location.search).get('t') ?? '') ?? 0;
let isLoaded = false;

const say = (text: string): void => setText(byId('words'), text);

async function play(video: Video, playbackUrl: string): Promise<void> {
  if (isLoaded) return;
  isLoaded = true;
  say('');
  byId('player').hidden = false;
  await openPlayer(byId('player'), { ...video, playbackUrl }, from, say);
}

function show(video: Video): void {
  document.title = video.title;
  setText(byId('title'), video.title);
  if (video.playbackUrl !== undefined) void play(video, video.playbackUrl);
  else if (video.state === 'failed') say('This video can not be played.');
  else say(`${stateName(video)}. The video appears here when it is ready.`);
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
      if (isNews && !isLoaded) refresh();
    },
  });
}

const refresh = keepFresh(async () => {
  try {
    const video = await client.showVideo(id);
    show(video);
    if (video.state !== 'ready' && video.state !== 'failed') followOnce();
  } catch (error) {
    const isAnswer = error instanceof ApiError && error.status < 500;
    if (!isLoaded) say(isAnswer ? 'There is no such video.' : 'The server does not answer. Trying again …');
    return isAnswer || isLoaded;
  }
  return true;
});
