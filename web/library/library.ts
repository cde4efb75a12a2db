/** The library: uploads on their way, and a card for each video, newest first. */
import '../shared/theme.ts';
import type { Video } from '../../api/client/index.ts';
import type { LiveVideo } from '../../api/client/live.ts';
import { followVideos, isTurn } from '../live.ts';
import { byId, part, setText } from '../shared/dom.ts';
import { keepFresh } from '../shared/fresh.ts';
import { askForToken, client, isRefused, signOutWith } from '../shared/session.ts';
import { startUploads } from '../upload/panel.ts';
import { fillCard, newCard, showProgress } from './card.ts';

/** Videos that a click on "Show more" adds; the API gives at most 100 at once. */
const PAGE = 48;

const cards = new Map<string, HTMLElement>();
let pages = 1;

const isUnfinished = ({ state }: Video): boolean => state === 'queued' || state === 'encoding';

/** The videos of the pages that are shown, and whether there are more. */
async function listVideos(): Promise<{ videos: Video[]; more: boolean }> {
  const videos: Video[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pages; page++) {
    const { videos: found, nextCursor } = await client().listVideos({ limit: PAGE, cursor });
    videos.push(...found);
    cursor = nextCursor;
    if (cursor === undefined) break;
  }
  return { videos, more: cursor !== undefined };
}

/** Keeps the cards that are there, so that the focus stays where it is. */
function showCards(videos: readonly Video[]): void {
  const list = byId('videos');
  const present = new Set<string>(videos.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (present.has(id)) continue;
    card.remove();
    cards.delete(id);
  }
  videos.forEach((video, position) => {
    const card = cards.get(video.id) ?? newCard(video.id);
    cards.set(video.id, card);
    fillCard(card, video, refresh);
    if (list.children[position] !== card) list.insertBefore(card, list.children[position] ?? null);
  });
}

function showCount(videos: readonly Video[], more: boolean): void {
  const unfinished = videos.filter(isUnfinished).length;
  const count = videos.length === 1 ? '1 video' : `${videos.length}${more ? ' newest' : ''} videos`;
  setText(byId('count'), unfinished === 0 ? count : `${count}, ${unfinished} in progress`);
  byId('count').hidden = videos.length === 0;
}

function say(text: string): void {
  setText(byId('trouble'), text);
  byId('trouble').hidden = text === '';
}

async function show(): Promise<boolean> {
  try {
    const { videos, more } = await listVideos();
    say('');
    // What is still being sent is shown where it is sent from.
    const arrived = videos.filter(({ state }) => state !== 'uploading');
    byId('drop').classList.toggle('first', arrived.length === 0);
    showCards(arrived);
    showCount(arrived, more);
    byId('more').hidden = !more;
    return true;
  } catch (error) {
    byId('count').hidden = true;
    if (isRefused(error)) {
      askForToken(error);
      return true;
    }
    say('The server does not answer. Trying again …');
    return false;
  }
}

const refresh = keepFresh(show);
const panel = startUploads(() => {
  refresh();
  void following.then((live) => live.expect());
});
const lives = new Map<string, LiveVideo>();

/** Progress goes straight to where it is shown; what else is new is asked for. */
function hear(live: LiveVideo): void {
  const before = lives.get(live.id);
  lives.set(live.id, live);
  panel.hear(live);
  const card = cards.get(live.id);
  if (card) showProgress(card, live);
  if (isTurn(before, live) && (before || !card || card.dataset['state'] !== live.state)) refresh();
}

const following = followVideos(client(), { onState: hear });
signOutWith(byId('sign-out'));
part(document, '#more', HTMLButtonElement).addEventListener('click', () => {
  pages += 1;
  refresh();
});
