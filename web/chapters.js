// The video's chapters below it: a list of buttons, each of which leads to one.
import { clock } from './words.js';

function entry({ startSeconds, title }, player) {
  const button = Object.assign(document.createElement('button'), { type: 'button' });
  const time = Object.assign(document.createElement('span'), { textContent: clock(startSeconds) });
  time.className = 'quiet';
  button.append(time, ' ', title);
  button.addEventListener('click', () => {
    player.currentTime = startSeconds;
  });
  const item = document.createElement('li');
  item.append(button);
  return item;
}

/** Fills the section and shows it, where there are chapters. */
export function showChapters(section, chapters, player) {
  section.querySelector('ol').replaceChildren(...chapters.map((chapter) => entry(chapter, player)));
  section.hidden = chapters.length === 0;
}
