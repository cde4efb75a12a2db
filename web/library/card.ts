/** A video of the library: its picture, what is known of it, and what its owner may do with it. */
import type { Video } from '../../api/client/index.ts';
import type { LiveVideo } from '../../api/client/live.ts';
import { watchPath } from '../shared/addresses.ts';
import { deleteVideo } from '../shared/delete-video.ts';
import { note, noteError } from '../shared/dialogs.ts';
import { button, copyOf, part, setText } from '../shared/dom.ts';
import { closable } from '../shared/menu.ts';
import { client } from '../shared/session.ts';
import { clock, day, money, pictureSize, stateName } from '../shared/words.ts';

/** A hue for the tile that stays the same for a video. */
const hueOf = (id: string): number =>
  [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);

/** What is known of a video, in a line: size of the picture, cost, day. */
function factsOf(video: Video): string {
  const cost = video.cost ? [money(video.cost.machines + video.cost.requests)] : [];
  return [...pictureSize(video), ...cost, day(video.uploadedAt)].join(' · ');
}

/** What whoever looks may do. */
function actionsFor(video: Video, changed: () => void): HTMLButtonElement[] {
  const { id, state, mayChange } = video;
  const copy = async () => {
    await navigator.clipboard.writeText(new URL(watchPath(id), location.href).href);
    note('Link copied');
  };
  const retry = async () => {
    await client().retryVideo(id);
    changed();
  };
  const remove = async () => {
    if (!(await deleteVideo(video))) return;
    note('Deleted');
    changed();
  };
  const attempt = (work: () => Promise<void>) => () => void work().catch(noteError);
  return [
    button('Copy link', attempt(copy)),
    ...(mayChange && state === 'failed' ? [button('Try again', attempt(retry))] : []),
    ...(mayChange ? [button('Delete …', attempt(remove), 'risky')] : []),
  ];
}

/** A card without a video yet. */
export function newCard(id: string): HTMLElement {
  const card = copyOf('card');
  part(card, 'a', HTMLAnchorElement).href = watchPath(id);
  part(card, '.tile', HTMLElement).style.setProperty('--hue', String(hueOf(id)));
  closable(part(card, 'details', HTMLDetailsElement));
  return card;
}

/** Shows how far an encode is on the card of its video. */
export function showProgress(card: HTMLElement, live: Pick<LiveVideo, 'state' | 'percent'>): void {
  if (card.dataset['state'] !== 'encoding' || live.state !== 'encoding') return;
  setText(part(card, '.state', Element), stateName({ state: live.state, percent: live.percent }));
  part(card, 'progress', HTMLProgressElement).value = live.percent;
}

/** Shows a video on its card. @param changed called when its owner changed something */
export function fillCard(card: HTMLElement, video: Video, changed: () => void): void {
  const { state, title, poster, durationSeconds } = video;
  const isNews = card.dataset['state'] !== state || card.dataset['title'] !== title;
  Object.assign(card.dataset, { state, title });
  const words = (selector: string, text: string) => setText(part(card, selector, Element), text);
  words('.title', title);
  words('.state', state === 'failed' ? (video.failure?.message ?? 'Failed') : stateName(video));
  words('.facts', factsOf(video));
  words('.duration', durationSeconds === undefined ? '' : clock(durationSeconds));
  const bar = part(card, 'progress', HTMLProgressElement);
  bar.value = video.percent;
  bar.hidden = state !== 'encoding';
  bar.setAttribute('aria-label', `Encoding ${title}`);
  const picture = part(card, 'img', HTMLImageElement);
  if (poster !== undefined && picture.getAttribute('src') !== poster) picture.src = poster;
  picture.hidden = poster === undefined;
  if (!isNews) return; // the focus may be in the menu
  part(card, 'summary', HTMLElement).setAttribute('aria-label', `More for ${title}`);
  part(card, 'details > div', HTMLElement).replaceChildren(...actionsFor(video, changed));
}
