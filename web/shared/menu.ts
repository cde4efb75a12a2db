/** A disclosure that behaves as a menu of buttons: Escape and a click elsewhere close it. */
import { part } from './dom.ts';

/** Lets Escape, a choice and a click elsewhere close a menu. */
export function closable(menu: HTMLDetailsElement): void {
  const summary = part(menu, 'summary', HTMLElement);
  menu.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || !menu.open) return;
    menu.open = false;
    summary.focus();
  });
  document.addEventListener('click', ({ target }) => {
    if (target instanceof Node && !summary.contains(target)) menu.open = false;
  });
}
