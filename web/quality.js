// The quality menu: automatic, or one of the stream's levels.
import Hls from 'hls.js';
import { choice, closable } from './menu.js';
import { bitRate, rungName } from './words.js';

const AUTO = -1;
// The audio group whose variants repeat those of the other (video/audio-groups.ts).
const SURROUND = 'surround';

/** Fills the menu from the levels that hls.js finds, and keeps showing which of them plays. */
export function quality(menu, hls) {
  const choices = menu.querySelector('fieldset');
  const now = menu.querySelector('#quality-now');
  let playing;

  function showPlaying() {
    const rung = hls.levels[playing]?.height > 0 ? rungName(hls.levels[playing]) : '';
    now.textContent = hls.autoLevelEnabled ? ['Auto', rung].filter(Boolean).join(' · ') : rung;
    for (const label of choices.querySelectorAll('label'))
      label.classList.toggle('playing', Number(label.firstElementChild.value) === playing);
  }

  hls.on(Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
    // Each picture comes with stereo, and may come with 5.1 again: it is one choice. Sound alone has none.
    const best = levels
      .map((level, i) => ({ level, i }))
      .filter(({ level }) => level.height > 0 && level.attrs.AUDIO !== SURROUND)
      .sort((a, b) => b.level.bitrate - a.level.bitrate);
    choices.replaceChildren(
      choices.querySelector('legend'),
      choice('quality', AUTO, 'Auto', 'follows the connection'),
      ...best.map(({ level, i }) =>
        choice('quality', i, rungName(level), bitRate(level.averageBitrate || level.bitrate)),
      ),
    );
    choices.querySelector('input').checked = true;
    menu.hidden = best.length < 2;
  });
  hls.on(Hls.Events.LEVEL_SWITCHED, (_, { level }) => {
    playing = level;
    showPlaying();
  });
  choices.addEventListener('change', ({ target }) => {
    hls.nextLevel = Number(target.value); // takes effect from the next segment, so that playing goes on
    showPlaying();
  });
  closable(menu);
}
