/** Subtitles that a video's owner adds to it, or takes away. */
import { note, noteError } from '../shared/dialogs.ts';
import { button, byId, part, textElement } from '../shared/dom.ts';
import { client } from '../shared/session.ts';
import { languageName } from '../shared/words.ts';

async function list(id: string): Promise<void> {
  const { subtitles } = await client().listSubtitles(id);
  const items = subtitles.map(({ id: track, name, language }) => {
    const item = document.createElement('li');
    const remove = button('Remove', () => {
      client()
        .removeSubtitles(id, track)
        .then(() => list(id))
        .catch(noteError);
    });
    remove.setAttribute('aria-label', `Remove subtitles: ${name}`);
    item.append(
      textElement('span', name.startsWith(languageName(language)) ? name : `${name} (${language})`),
      remove,
    );
    return item;
  });
  part(byId('subtitles'), 'ul', HTMLElement).replaceChildren(...items);
}

/** Shows the owner which subtitles were added, and the form that adds some. */
export async function offerSubtitles(id: string): Promise<void> {
  const section = byId('subtitles');
  const form = part(section, 'form', HTMLFormElement);
  form.onsubmit = async (event) => {
    event.preventDefault();
    const [file] = part(form, '[name=file]', HTMLInputElement).files ?? [];
    if (!file) return;
    try {
      await client().addSubtitles(
        id,
        { language: part(form, '[name=language]', HTMLInputElement).value.trim() },
        file,
      );
      form.reset();
      note('Subtitles added. They show when the page is loaded again');
      await list(id);
    } catch (error) {
      noteError(error);
    }
  };
  await list(id);
  section.hidden = false;
}
