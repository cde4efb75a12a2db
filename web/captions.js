// The captions menu: off, or one of the stream's text tracks. The browser draws them, as the viewer has set it.
import Hls from 'hls.js';
import { choice, closable } from './menu.js';
import { languageName } from './words.js';

const OFF = -1;

/** Fills the menu from the text tracks that hls.js finds, and keeps showing which of them is seen. */
export function captions(menu, hls) {
  const choices = menu.querySelector('fieldset');
  const now = menu.querySelector('#captions-now');

  // Also where the track was chosen elsewhere: by the stream's default, or with the browser's own controls.
  function showChosen() {
    now.textContent = hls.subtitleTracks[hls.subtitleTrack]?.name ?? 'Off';
    for (const radio of choices.querySelectorAll('input'))
      radio.checked = Number(radio.value) === hls.subtitleTrack;
  }

  hls.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, (_, { subtitleTracks }) => {
    choices.replaceChildren(
      choices.querySelector('legend'),
      choice('captions', OFF, 'Off', ''),
      ...subtitleTracks.map(({ name, lang }, i) => {
        const language = languageName(lang);
        return choice('captions', i, name, name.startsWith(language) ? '' : language);
      }),
    );
    menu.hidden = subtitleTracks.length === 0;
    showChosen();
  });
  hls.on(Hls.Events.SUBTITLE_TRACK_SWITCH, showChosen);
  choices.addEventListener('change', ({ target }) => {
    hls.subtitleTrack = Number(target.value);
  });
  closable(menu);
}
