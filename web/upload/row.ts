/** One upload in the list: a bar over sending and encoding together, what is going on in words, and what one can do. */
import { button, copyOf, part, setText } from '../shared/dom.ts';

/** Something that a person can do about an upload. */
export interface Action {
  readonly name: string;
  /** What is done, or the address that it leads to. */
  readonly does: (() => void) | string;
}

export interface RowState {
  readonly stage: 'sending' | 'paused' | 'waits' | 'encoding' | 'ready' | 'failed';
  /** Of the whole way, sending and encoding; none where it is not known how far it is. */
  readonly percent?: number | undefined;
  readonly words: string;
  /** What is worth telling somebody who does not see the bar: said when it changes, so without numbers that run. */
  readonly said: string;
  readonly actions: readonly Action[];
}

/** Sending is half of the way, encoding the other. */
export const whileSent = (share: number): number => 50 * share;
export const whileEncoded = (percent: number): number => 50 + percent / 2;

function controlOf({ name, does }: Action, file: string): HTMLElement {
  const control =
    typeof does === 'string'
      ? Object.assign(document.createElement('a'), { href: does })
      : button(name, does);
  if (typeof does === 'string') control.className = 'button primary';
  control.textContent = name;
  control.setAttribute('aria-label', `${name}: ${file}`);
  return control;
}

export class Row {
  readonly element: HTMLElement;
  readonly #file: string;

  constructor(file: string) {
    this.element = copyOf('upload');
    this.#file = file;
    setText(part(this.element, '.name', Element), file);
    part(this.element, 'progress', Element).setAttribute('aria-label', file);
  }

  show({ stage, percent, words, said, actions }: RowState): void {
    const { element } = this;
    element.dataset['stage'] = stage;
    const bar = part(element, 'progress', HTMLProgressElement);
    if (percent !== undefined) bar.value = percent;
    bar.hidden = percent === undefined;
    setText(part(element, '.words', Element), words);
    setText(part(element, '[role=status]', Element), said);
    this.#offer(actions);
  }

  /** Changes the controls only where they differ: one of them may have the focus. */
  #offer(actions: readonly Action[]): void {
    const place = part(this.element, '.buttons', HTMLElement);
    const names = actions.map(({ name }) => name).join();
    if (place.dataset['names'] === names) return;
    const hadFocus = place.contains(document.activeElement);
    place.dataset['names'] = names;
    place.replaceChildren(...actions.map((action) => controlOf(action, this.#file)));
    const [first] = place.children;
    if (hadFocus && first instanceof HTMLElement) first.focus();
  }
}
