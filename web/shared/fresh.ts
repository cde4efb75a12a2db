/** Asking the API anew: again and again until it answers, and whenever the tab comes into view. */

const RETRY_MILLISECONDS = 2000;

/**
 * Calls `refresh` now, whenever the tab comes into view, and every two seconds for as long as it says `false`: that it got
 * no answer. A tab that is not seen asks for nothing.
 * @returns calls it at once, besides
 */
export function keepFresh(refresh: () => Promise<boolean>): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let busy = false;
  let again = false;
  async function run(): Promise<void> {
    clearTimeout(timer);
    if (document.hidden) return;
    again = busy;
    if (busy) return;
    busy = true;
    const answered = await refresh();
    busy = false;
    if (again) void run();
    else if (!answered) timer = setTimeout(run, RETRY_MILLISECONDS);
  }
  const now = () => void run();
  document.addEventListener('visibilitychange', now);
  now();
  return now;
}
