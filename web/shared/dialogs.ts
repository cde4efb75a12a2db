/** Questions that must be answered before the page goes on. The browser's own dialogs say whose page it is, in its own words. */
import { button, textElement } from './dom.ts';
import { messageOf } from './words.ts';

interface Question {
  readonly heading: string;
  readonly words: string;
  /** What the button that goes ahead is called. */
  readonly yes: string;
}

/** Asks, and says whether to go ahead. Escape says no. */
export function confirmed({ heading, words, yes }: Question): Promise<boolean> {
  const dialog = document.createElement('dialog');
  const title = Object.assign(textElement('h2', heading), { id: 'question' });
  dialog.setAttribute('aria-labelledby', title.id);
  const buttons = document.createElement('div');
  buttons.className = 'buttons';
  buttons.append(
    button('Cancel', () => dialog.close()),
    button(yes, () => dialog.close('yes'), 'danger'),
  );
  dialog.append(title, textElement('p', words), buttons);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) =>
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue === 'yes');
    }),
  );
}

let saying: ReturnType<typeof setTimeout> | undefined;

/** Milliseconds that a short note stays. */
const NOTE_MILLISECONDS = 4000;

/** Says something in passing: `Link copied`. */
export function note(text: string): void {
  let place = document.querySelector('#note');
  if (!place) {
    place = textElement('p', '', 'note');
    place.id = 'note';
    place.setAttribute('role', 'status');
    document.body.append(place);
  }
  place.textContent = text;
  clearTimeout(saying);
  saying = setTimeout(() => place.replaceChildren(), NOTE_MILLISECONDS);
}

/** Says in passing what went wrong. */
export const noteError = (error: unknown): void => note(messageOf(error));
