/** Light or dark: as the system has it, until somebody chooses with the button of the page. */
import { part } from './dom.ts';
import { keep, kept } from './kept.ts';

const KEY = 'spotreel-theme';
const THEMES = ['light', 'dark'] as const;
type Theme = (typeof THEMES)[number];

const root = document.documentElement;
const system = matchMedia('(prefers-color-scheme: dark)');

const chosen = (): Theme | undefined => THEMES.find((theme) => theme === kept(KEY));
const present = (): Theme => chosen() ?? (system.matches ? 'dark' : 'light');

/** Puts the chosen theme on the page. */
function apply(): void {
  const theme = chosen();
  if (theme) root.dataset['theme'] = theme;
  else delete root.dataset['theme'];
}

function label(toggle: Element): void {
  toggle.setAttribute('aria-label', present() === 'dark' ? 'Use light colours' : 'Use dark colours');
}

apply();
document.addEventListener('DOMContentLoaded', () => {
  const toggle = part(document, '#theme', HTMLButtonElement);
  label(toggle);
  system.addEventListener('change', () => label(toggle));
  toggle.addEventListener('click', () => {
    keep(KEY, present() === 'dark' ? 'light' : 'dark');
    apply();
    label(toggle);
  });
});
