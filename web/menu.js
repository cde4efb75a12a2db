// Menus of the player: disclosures with radio buttons, so that keyboards and screen readers know them.

/** One thing to choose in the menu called `menu`, with a quiet word on it. */
export function choice(menu, value, name, detail) {
  const label = document.createElement('label');
  const radio = document.createElement('input');
  Object.assign(radio, { type: 'radio', name: menu, value });
  const words = document.createElement('span');
  words.textContent = name;
  const quiet = document.createElement('span');
  quiet.className = 'quiet';
  quiet.textContent = detail;
  label.append(radio, words, quiet);
  return label;
}

/** Lets Escape and a click elsewhere close a menu. */
export function closable(menu) {
  const summary = menu.querySelector('summary');
  menu.addEventListener('keydown', ({ key }) => {
    if (key !== 'Escape' || !menu.open) return;
    menu.open = false;
    summary.focus();
  });
  document.addEventListener('click', ({ target }) => {
    if (!menu.contains(target)) menu.open = false;
  });
}
