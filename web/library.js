// The library: a card for each video, refreshed while any of them is unfinished.
import { isUnfinished, keepFresh, listVideos } from './videos.js';
import { clock, facts, stateName } from './words.js';

const byId = (id) => document.getElementById(id);
const cards = new Map();

/** A hue for the tile that stays the same for a video. */
const hueOf = (id) => [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 360, 7);

function newCard(id) {
  const card = byId('card').content.firstElementChild.cloneNode(true);
  card.querySelector('a').href = `/watch?v=${encodeURIComponent(id)}`;
  card.querySelector('.tile').style.setProperty('--hue', hueOf(id));
  return card;
}

function fillCard(card, video) {
  const part = (name) => card.querySelector(name);
  card.dataset.state = video.state;
  part('.title').textContent = video.title;
  part('.state').textContent =
    video.state === 'failed' ? (video.failure?.message ?? 'Failed') : stateName(video);
  part('.facts').textContent = facts(video);
  part('.duration').textContent = video.durationSeconds === undefined ? '' : clock(video.durationSeconds);
  part('progress').value = video.percent;
  part('progress').hidden = video.state !== 'encoding';
}

/** Keeps the cards that are there, so that the focus stays where it is. */
function showCards(videos) {
  const list = byId('videos');
  const present = new Set(videos.map(({ id }) => id));
  for (const [id, card] of cards) {
    if (present.has(id)) continue;
    card.remove();
    cards.delete(id);
  }
  videos.forEach((video, position) => {
    const card = cards.get(video.id) ?? newCard(video.id);
    cards.set(video.id, card);
    fillCard(card, video);
    if (list.children[position] !== card) list.insertBefore(card, list.children[position] ?? null);
  });
}

function showCount(videos) {
  const unfinished = videos.filter(isUnfinished).length;
  const count = videos.length === 1 ? '1 video' : `${videos.length} videos`;
  const words = unfinished === 0 ? count : `${count}, ${unfinished} in progress`;
  // Said only when it is news: a screen reader reads every change of a status.
  if (byId('count').textContent !== words) byId('count').textContent = words;
  byId('count').hidden = videos.length === 0;
}

keepFresh(async () => {
  const trouble = byId('trouble');
  try {
    const videos = await listVideos();
    trouble.hidden = true;
    byId('empty').hidden = videos.length > 0;
    showCards(videos);
    showCount(videos);
    return videos.some(isUnfinished);
  } catch {
    trouble.textContent = 'The server does not answer. Trying again …';
    trouble.hidden = false;
    return true;
  }
});
