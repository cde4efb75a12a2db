/** Who looks at the page: nobody in particular, or whoever gave it an API token, which this browser then keeps. */
import { ApiError, SpotreelClient } from '../../api/client/index.ts';
import { byId, part } from './dom.ts';
import { keep, kept, unkeep } from './kept.ts';

const KEY = 'spotreel-token';

/** The token that this browser keeps. */
export const token = (): string | undefined => kept(KEY);

/** Speaks with the platform that the page came from. */
export const client = (): SpotreelClient => new SpotreelClient({ url: location.origin, token: token() });

/** Whether a request failed for want of a token, or of a better one. */
export const isRefused = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 401 || error.status === 403);

/** Whether what was asked for is not there, or no longer: a video, or an upload that was aborted or whose parts expired. */
export const isGone = (error: unknown): boolean =>
  error instanceof ApiError && (error.status === 404 || error.status === 410);

/** Whether there is no such video, for whoever asks: 400 is an id that never was one. */
export const isMissing = (error: unknown): boolean =>
  isGone(error) || (error instanceof ApiError && error.status === 400);

/**
 * Shows the form that asks for a token, which reloads the page with it.
 * @param error what the platform said of the present one
 */
export function askForToken(error: unknown): void {
  const form = part(document, '#sign-in', HTMLFormElement);
  const words = part(form, '[role=alert]', HTMLElement);
  words.textContent = token() !== undefined && error instanceof Error ? error.message : '';
  byId('signed-in').hidden = true;
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    keep(KEY, part(form, 'input', HTMLInputElement).value.trim());
    location.reload();
  };
}

/** Lets the button of the page forget the token. */
export function signOutWith(element: HTMLElement): void {
  element.hidden = token() === undefined;
  element.addEventListener('click', () => {
    unkeep(KEY);
    location.reload();
  });
}
