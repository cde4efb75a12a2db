/** The parts of a page, found with their types. */

/** The element that a selector names. Throws where the page has none of this type. */
export function part<T extends Element>(root: ParentNode, selector: string, type: new () => T): T {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`The page has no ${type.name} at '${selector}'`);
  return found;
}

/** The element with this id, of whichever kind it is. */
export const byId = (id: string): HTMLElement => part(document, `#${id}`, HTMLElement);

/** A new copy of what a template holds. */
export function copyOf(template: string): HTMLElement {
  const [first] = part(document, `#${template}`, HTMLTemplateElement).content.children;
  const copy = first?.cloneNode(true);
  if (!(copy instanceof HTMLElement)) throw new Error(`The template '${template}' is empty`);
  return copy;
}

/** Sets a text only where it is news: a screen reader reads every change of a status. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** A new element with a text; texts are never markup. */
export function textElement(name: string, text: string, className = ''): HTMLElement {
  return Object.assign(document.createElement(name), { textContent: text, className });
}

/** A new button. */
export function button(name: string, onClick: () => void, className = ''): HTMLButtonElement {
  const element = document.createElement('button');
  Object.assign(element, { type: 'button', textContent: name, className });
  element.addEventListener('click', onClick);
  return element;
}
