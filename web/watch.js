// The watch page: plays `?v=<id>`, or shows how far it is and starts when it is ready, or why it is not.
import { captions } from './captions.js';
import { showChapters } from './chapters.js';
import { load, start } from './player.js';
import { quality } from './quality.js';
import { isUnfinished, keepFresh, showVideo } from './videos.js';
import { clock, facts, stateName } from './words.js';

const byId = (id) => document.getElementById(id);
const id = new URLSearchParams(location.search).get('v') ?? '';
const player = byId('video');
let loaded = false;

/** Sets a text only where it is news: a screen reader reads every change of a status. */
function setText(name, text) {
  if (byId(name).textContent !== text) byId(name).textContent = text;
}

function say(text) {
  setText('trouble', text);
  byId('trouble').hidden = text === '';
}

/** Shows one of the stage's three faces. */
function showOnStage(name) {
  for (const face of ['video', 'waiting', 'failed']) byId(face).hidden = face !== name;
}

function showFailed(heading, words) {
  setText('failed-heading', heading);
  setText('failed-words', words);
  showOnStage('failed');
}

function showMissing() {
  setText('title', 'Not found');
  showFailed('There is no such video', 'The link may be old or incomplete.');
}

function showProgress(video) {
  setText('percent', video.state === 'queued' ? 'Waiting for a machine' : `${Math.floor(video.percent)} %`);
  setText('waiting-words', 'This video is being prepared. It starts by itself when it is ready.');
  byId('progress').value = video.percent;
  byId('progress').hidden = video.state === 'queued';
  showOnStage('waiting');
}

function showNotes(findings) {
  byId('findings')
    .querySelector('ul')
    .replaceChildren(
      ...findings.map(({ text }) => Object.assign(document.createElement('li'), { textContent: text })),
    );
  byId('findings').hidden = findings.length === 0;
}

function showWords(video) {
  document.title = `${video.title} - Spotreel`;
  const length = video.durationSeconds === undefined ? [] : [clock(video.durationSeconds)];
  setText('title', video.title);
  setText('state', stateName(video));
  setText('facts', [...length, facts(video)].join(' · '));
  byId('state').dataset.state = video.state;
  if (video.width && video.height)
    byId('stage').style.setProperty('--ratio', `${video.width} / ${video.height}`);
  showNotes(video.findings ?? []);
}

/** Sound alone is played behind its cover. */
async function showCover({ id, width }) {
  if (width) return;
  const details = new URL(`/v/${id}/video.json`, location);
  const { poster } = await (await fetch(details)).json();
  if (poster) player.poster = new URL(poster.path, details);
}

async function play({ playbackUrl, chapters = [], ...video }) {
  if (loaded) return;
  loaded = true;
  showOnStage('video');
  showCover(video).catch(() => {}); // it plays without
  showChapters(byId('chapters'), chapters, player);
  const hls = load(player, playbackUrl, say);
  if (hls) {
    captions(byId('captions'), hls);
    quality(byId('quality'), hls);
  }
  byId('muted').hidden = !(await start(player));
}

byId('unmute').addEventListener('click', () => {
  player.muted = false;
});
player.addEventListener('volumechange', () => {
  if (!player.muted) byId('muted').hidden = true;
});

function show(video) {
  showWords(video);
  if (video.state === 'ready') play(video);
  else if (video.state === 'failed')
    showFailed('This video could not be prepared', video.failure?.message ?? '');
  else showProgress(video);
}

keepFresh(async () => {
  try {
    const video = await showVideo(id);
    if (!loaded) say('');
    if (video) show(video);
    else showMissing();
    return video !== undefined && isUnfinished(video);
  } catch {
    if (!loaded) say('The server does not answer. Trying again …');
    return !loaded;
  }
});
