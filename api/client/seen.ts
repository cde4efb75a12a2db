/** Whether anybody looks: at a page in a hidden tab nobody does; a program without a page is always taken to be looked at. */

interface Page extends EventTarget {
  readonly hidden: boolean;
}

// A browser's `document`, or nothing: this is used in Node too, whose types know of none.
const page = (): Page | undefined => (globalThis as { readonly document?: Page }).document;

export const isSeen = (): boolean => page()?.hidden !== true;

/** Calls back whenever somebody looks again, until the signal aborts. */
export function onSeen(callback: () => void, signal: AbortSignal): void {
  page()?.addEventListener('visibilitychange', () => isSeen() && callback(), { signal });
}
