/** The video's chapters below it: a list of buttons, each of which leads to one. */
import type { Video } from '../../api/client/index.ts';
import { button, byId, part, textElement } from '../shared/dom.ts';
import { clock } from '../shared/words.ts';

/** Fills the section and shows it, where there are chapters. */
export function showChapters(chapters: NonNullable<Video['chapters']>, video: HTMLVideoElement): void {
  const entries = chapters.map(({ startSeconds, title }) => {
    const lead = button('', () => {
      video.currentTime = startSeconds;
    });
    lead.append(textElement('span', clock(startSeconds), 'quiet'), ' ', title);
    const item = document.createElement('li');
    item.append(lead);
    return item;
  });
  part(byId('chapters'), 'ol', HTMLOListElement).replaceChildren(...entries);
  byId('chapters').hidden = chapters.length === 0;
}
