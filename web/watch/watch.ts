/** The watch page: plays `?v=<id>` from `t=` on, or shows how far it is and starts when it is ready, or why it is not. */
import '../shared/theme.ts';
import { ApiError, type Video } from '../../api/client/index.ts';
import type { LiveVideo } from '../../api/client/live.ts';
import { followVideos, isTurn } from '../live.ts';
import { Place } from '../player/place.ts';
import { start } from '../player/stream.ts';
import { byId, part, setText, textElement } from '../shared/dom.ts';
import { keepFresh } from '../shared/fresh.ts';
import { client, isMissing, signOutWith } from '../shared/session.ts';
import {
  clock,
  day,
  percent,
  pictureSize,
  STATE_NAMES,
  secondsOf,
  stateName,
  timeLeft,
} from '../shared/words.ts';
import { showChapters } from './chapters.ts';
import { offerEditing, offerRetry } from './owner.ts';
import { showReceipt } from './receipt.ts';
import { offerSharing } from './share.ts';
import { offerSubtitles } from './subtitles.ts';

const address = new URLSearchParams(location.search);
const id = address.get('v') ?? '';
const from = secondsOf(address.get('t') ?? '') ?? 0;
const place = new Place(byId('player'));

function say(text: string): void {
  setText(byId('trouble'), text);
  byId('trouble').hidden = text === '';
}

/** Shows one of the stage's three faces. */
function showOnStage(name: 'player' | 'waiting' | 'failed'): void {
  if (name !== 'player') place.close();
  for (const face of ['player', 'waiting', 'failed']) byId(face).hidden = face !== name;
}

function showFailed(heading: string, words: string): void {
  setText(byId('failed-heading'), heading);
  setText(byId('failed-words'), words);
  showOnStage('failed');
}

function showMissing(): void {
  setText(byId('title'), 'Not found');
  showFailed('There is no such video', 'The link may be old or incomplete, or the video is private.');
}

function showSignedOut(): void {
  setText(byId('title'), 'Not signed in');
  const words =
    'The platform does not take it any more. Sign out, and what anybody may watch plays here again.';
  showFailed('This browser’s API token has ended', words);
}

function showState(video: Pick<Video, 'state' | 'percent' | 'heldBy'>): void {
  setText(byId('state'), stateName(video));
  setText(byId('said'), STATE_NAMES[video.state]);
}

/** What is said while there is nothing to play yet. */
const WAITING = {
  uploading: {
    heading: 'Being uploaded',
    words: 'It starts here by itself once it is uploaded and encoded.',
  },
  queued: {
    heading: 'Waiting for a machine',
    words: 'The video is there. It starts by itself when it is ready.',
  },
  encoding: { heading: '', words: 'This video is being prepared. It starts by itself when it is ready.' },
} as const;

/** The same of a video that no machine may be launched for. */
const HELD = {
  daily: {
    heading: 'Waiting for tomorrow',
    words: 'The daily spending ceiling is reached. It goes on after midnight UTC, or when its owner resumes.',
  },
  monthly: {
    heading: 'Waiting for next month',
    words:
      'The monthly spending ceiling is reached. It goes on with the next month, or when its owner resumes.',
  },
} as const;

interface Waiting extends Pick<Video, 'heldBy'> {
  readonly state: keyof typeof WAITING;
  readonly percent: number;
  readonly secondsLeft?: number | undefined;
}

function showProgress({ state, percent: done, secondsLeft, heldBy }: Waiting): void {
  const { heading, words } = state === 'queued' && heldBy ? HELD[heldBy] : WAITING[state];
  const left = secondsLeft === undefined ? '' : ` ${timeLeft(secondsLeft).replace(/^l/, 'L')} left.`;
  setText(byId('percent'), heading || percent(done));
  setText(byId('waiting-words'), `${words}${left}`);
  showState({ state, percent: done, heldBy });
  part(document, '#progress', HTMLProgressElement).value = done;
  byId('progress').hidden = state !== 'encoding';
  showOnStage('waiting');
}

function showFindings(findings: NonNullable<Video['findings']>): void {
  const items = findings.map(({ text }) => textElement('li', text));
  part(byId('findings'), 'ul', HTMLElement).replaceChildren(...items);
  byId('findings').hidden = findings.length === 0;
}

const ratioOf = ({ width, height }: Video): string => (width && height ? `${width} / ${height}` : '16 / 9');

function showWords(video: Video): void {
  document.title = `${video.title} - Spotreel`;
  const length = video.durationSeconds === undefined ? [] : [clock(video.durationSeconds)];
  setText(byId('title'), video.title);
  showState(video);
  setText(byId('facts'), [...length, ...pictureSize(video), day(video.uploadedAt)].join(' · '));
  byId('state').dataset['state'] = video.state;
  byId('stage').style.setProperty('--ratio', ratioOf(video));
  showFindings(video.findings ?? []);
  showReceipt(video);
  offerEditing(video, show);
}

/** Lets the page turn the sound on where the browser would not start with it. */
function offerSound(player: HTMLVideoElement): void {
  byId('muted').hidden = false;
  byId('unmute').addEventListener('click', () => {
    player.muted = false;
  });
  player.addEventListener('volumechange', () => {
    if (!player.muted) byId('muted').hidden = true;
  });
}

async function play(video: Video, playbackUrl: string): Promise<void> {
  if (place.isTaken) return;
  showOnStage('player');
  let player: HTMLVideoElement | undefined;
  try {
    player = await place.open({ ...video, playbackUrl }, from, say);
  } catch {
    showFailed('The player could not be loaded', 'Reload the page to try again.');
  }
  if (!player) return;
  showChapters(video.chapters ?? [], player);
  offerSharing({ id, title: video.title, ratio: ratioOf(video) }, () => player.currentTime);
  if (video.mayChange) offerSubtitles(id).catch(() => {}); // the video plays without
  if (await start(player)) offerSound(player);
}

function show(video: Video): void {
  showWords(video);
  byId('early').hidden = !video.early;
  if (video.playbackUrl !== undefined) void play(video, video.playbackUrl);
  else if (video.state === 'failed') {
    showFailed('This video could not be prepared', video.failure?.message ?? '');
    offerRetry(video, () => {
      refresh();
      void following.then((live) => live.expect());
    });
  } else if (video.state !== 'ready') showProgress({ ...video, state: video.state });
}

const refresh = keepFresh(async () => {
  try {
    const video = await client().showVideo(id);
    if (!place.isTaken) say('');
    show(video);
  } catch (error) {
    if (isMissing(error)) showMissing();
    else if (place.isTaken)
      return true; // what plays goes on
    else if (error instanceof ApiError && error.status === 401) showSignedOut();
    else {
      say('The server does not answer. Trying again …');
      return false;
    }
  }
  return true;
});

signOutWith(byId('sign-out'));

let heard: LiveVideo | undefined;
const following = followVideos(client(), {
  video: id,
  onState(live) {
    const isNews = isTurn(heard, live);
    heard = live;
    if (isNews) refresh();
    else if (live.state !== 'encoding')
      return; // what the API said last still holds
    else if (place.isTaken) showState({ ...live, state: live.state });
    else showProgress({ ...live, state: live.state });
  },
});
