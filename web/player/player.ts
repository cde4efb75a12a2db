/** The player: the stream in media-chrome's controls, with what is known of the video put into them. */
import type { Video } from '../../api/client/index.ts';
import { part } from '../shared/dom.ts';
import markup from './player.html?raw';
import { load, type Say } from './stream.ts';
import { fillLists, giveLists } from './track-list.ts';
import './player.css';

type Chapters = NonNullable<Video['chapters']>;

/** What plays. Of a video that is still encoded there are no pictures yet. */
export type Playable = { readonly playbackUrl: string } & Pick<Video, 'early' | 'title' | 'chapters'>;

/** What is told of a published video beside its stream (`video/details.ts`). Paths are relative to it. */
interface Pictures {
  readonly poster?: { readonly path: string };
  readonly storyboard?: string;
}

/** Chapters as the timeline shows them. */
function addChapters(video: HTMLVideoElement, chapters: Chapters): void {
  if (chapters.length === 0) return;
  const track = video.addTextTrack('chapters', 'Chapters');
  for (const { startSeconds, endSeconds, title } of chapters)
    track.addCue(new VTTCue(startSeconds, endSeconds, title));
  track.mode = 'hidden';
}

/** The pictures that go along with a stream. It plays without them. */
async function addPictures(video: HTMLVideoElement, playbackUrl: string): Promise<void> {
  const details = new URL('video.json', new URL(playbackUrl, location.href));
  const { poster, storyboard } = (await (await fetch(details)).json()) as Pictures; // published by the platform
  if (poster) video.poster = new URL(poster.path, details).href;
  if (storyboard === undefined) return;
  const track = document.createElement('track');
  // How media-chrome finds it: https://www.media-chrome.org/docs/en/media-element
  Object.assign(track, { kind: 'metadata', label: 'thumbnails', default: true });
  track.src = new URL(storyboard, details).href;
  video.append(track);
}

/** A menu may hold nothing but menu items (ARIA), and media-chrome's way back from a submenu is a plain button. */
function mendMenus(place: Element): void {
  for (const menu of place.querySelectorAll('media-settings-menu, [slot=submenu]')) {
    const back = menu.shadowRoot?.querySelector('[part~=back]');
    back?.setAttribute('role', 'menuitem');
    back?.setAttribute(
      'aria-label',
      `Back from ${menu.querySelector(':scope > [slot=title]')?.textContent ?? 'here'}`,
    );
  }
}

/** Lets the player's keys work wherever nothing else has the focus. @param closed ends that */
function hearKeys(controller: Element, closed: AbortSignal): void {
  for (const type of ['keydown', 'keyup'] as const)
    document.addEventListener(
      type,
      (event) => {
        if (event.target !== document.body) return;
        controller.dispatchEvent(new KeyboardEvent(type, event));
        if (event.key === ' ') event.preventDefault(); // which would scroll
      },
      { signal: closed },
    );
}

export interface Player {
  readonly video: HTMLVideoElement;
  /** Ends it, and takes it off the page. */
  close(): void;
}

/**
 * Puts a player into a place of the page, and gives its video.
 * @param from seconds at which it begins
 * @param say shows what is wrong, and takes it away when called with ''
 * Rejects where its scripts do not come.
 */
export async function openPlayer(
  place: Element,
  { playbackUrl, early, title, chapters = [] }: Playable,
  from: number,
  say: Say,
): Promise<Player> {
  const template = document.createElement('template');
  template.innerHTML = markup; // ours, at build time
  const video = part(template.content, 'video', HTMLVideoElement);
  video.setAttribute('aria-label', title);
  const lists = giveLists(video);
  addChapters(video, chapters);
  await Promise.all([import('media-chrome'), import('media-chrome/menu')]);
  place.replaceChildren(template.content);
  mendMenus(place);
  if (!early) addPictures(video, playbackUrl).catch(() => {});
  const hls = load(video, playbackUrl, from, say);
  if (hls) fillLists(lists, hls);
  const controller = part(place, 'media-controller', HTMLElement);
  const closed = new AbortController();
  hearKeys(controller, closed.signal);
  return {
    video,
    close() {
      closed.abort();
      hls?.destroy();
      controller.remove(); // which pauses what plays without hls.js
      say('');
    },
  };
}
