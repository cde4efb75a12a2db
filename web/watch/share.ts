/** Links to a video: to its page, at a moment where that is wanted, and for other sites to embed it. */
import { watchPath } from '../shared/addresses.ts';
import { note } from '../shared/dialogs.ts';
import { byId, part, setText } from '../shared/dom.ts';
import { clock } from '../shared/words.ts';

/** The address of a video's page. @param at seconds at which it starts */
function linkOf(id: string, at: number): string {
  const link = new URL(watchPath(id), location.href);
  if (at > 0) link.searchParams.set('t', `${at}s`);
  return link.href;
}

interface Shared {
  readonly id: string;
  readonly title: string;
  /** `16 / 9` */
  readonly ratio: string;
}

/** What another page puts into itself. */
function embedOf({ id, title, ratio }: Shared): string {
  const frame = document.createElement('iframe');
  frame.src = new URL(`/embed/${encodeURIComponent(id)}`, location.href).href;
  frame.title = title;
  frame.allow = 'fullscreen; picture-in-picture';
  frame.setAttribute('style', `width:100%;aspect-ratio:${ratio};border:0`);
  return frame.outerHTML;
}

/** Names the page's oEmbed for who looks after scripts have run (https://oembed.com/#section4). */
function addDiscovery({ id, title }: Shared): void {
  const address = new URL('/api/oembed', location.href);
  address.searchParams.set('url', linkOf(id, 0));
  const link = document.createElement('link');
  Object.assign(link, { rel: 'alternate', type: 'application/json+oembed', title, href: address.href });
  document.head.append(link);
}

/** Lets the button of the page show the links. @param time seconds that are played */
export function offerSharing(shared: Shared, time: () => number): void {
  const dialog = part(document, '#share-dialog', HTMLDialogElement);
  const field = (name: string) => part(dialog, `[name=${name}]`, HTMLInputElement);
  const show = (seconds: number) => {
    field('link').value = linkOf(shared.id, field('at').checked ? seconds : 0);
    field('embed').value = embedOf(shared);
    setText(byId('share-at'), clock(seconds));
  };
  const copy = (name: string, said: string) => async () => {
    await navigator.clipboard.writeText(field(name).value);
    dialog.close();
    note(said);
  };
  addDiscovery(shared);
  byId('share').hidden = false;
  byId('share').onclick = () => {
    const seconds = Math.floor(time());
    field('at').checked = false;
    field('at').onchange = () => show(seconds);
    show(seconds);
    dialog.showModal();
  };
  byId('copy-link').onclick = copy('link', 'Link copied');
  byId('copy-embed').onclick = copy('embed', 'Embed code copied');
}
