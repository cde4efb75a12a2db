/** What a video's owner does with it on its page: title, who may watch, another try, deletion. */
import type { Video } from '../../api/client/index.ts';
import { deleteVideo } from '../shared/delete-video.ts';
import { note, noteError } from '../shared/dialogs.ts';
import { byId, part } from '../shared/dom.ts';
import { client } from '../shared/session.ts';
import { messageOf } from '../shared/words.ts';

async function remove(video: Video): Promise<void> {
  if (await deleteVideo(video)) location.assign('/');
}

/** Lets the owner change the video. @param changed called with what it is then */
export function offerEditing(video: Video, changed: (video: Video) => void): void {
  const dialog = part(document, '#edit-dialog', HTMLDialogElement);
  const title = part(dialog, '[name=title]', HTMLInputElement);
  const visibility = part(dialog, '[name=visibility]', HTMLSelectElement);
  const trouble = part(dialog, '[role=alert]', HTMLElement);
  byId('edit').hidden = !video.mayChange;
  byId('edit').onclick = () => {
    title.value = video.title;
    visibility.value = video.visibility ?? '';
    trouble.textContent = '';
    dialog.showModal();
  };
  part(dialog, 'form', HTMLFormElement).onsubmit = async (event) => {
    event.preventDefault();
    const chosen = (['public', 'unlisted', 'private'] as const).find((value) => value === visibility.value);
    trouble.textContent = '';
    try {
      changed(await client().updateVideo(video.id, { title: title.value, visibility: chosen }));
      dialog.close();
      note('Saved');
    } catch (error) {
      trouble.textContent = messageOf(error);
    }
  };
  byId('edit-cancel').onclick = () => dialog.close();
  byId('delete').onclick = () => {
    dialog.close();
    remove(video).catch(noteError);
  };
}

/** Lets the owner try a failed video again. @param changed called when that is under way */
export function offerRetry(video: Video, changed: () => void): void {
  const retry = part(document, '#retry', HTMLButtonElement);
  retry.hidden = !video.mayChange;
  retry.onclick = async () => {
    retry.disabled = true;
    try {
      await client().retryVideo(video.id);
      changed();
    } catch (error) {
      noteError(error);
    } finally {
      retry.disabled = false;
    }
  };
}
