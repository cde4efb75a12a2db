/** Uploading: files are dropped anywhere on the page or chosen, sent, and followed until their videos play. */
import Uppy from '@uppy/core';
import type { Body, Meta, UppyFile } from '@uppy/core/utils';
import type { LiveVideo } from '../../api/client/live.ts';
import { note, noteError } from '../shared/dialogs.ts';
import { byId, part } from '../shared/dom.ts';
import { client, isGone } from '../shared/session.ts';
import { bytes, percent, timeLeft } from '../shared/words.ts';
import { showVideo } from './fares.ts';
import { Rate } from './rate.ts';
import { forget, type Remembered, waiting } from './remembered.ts';
import { Row, whileSent } from './row.ts';
import { Uploader } from './uploader.ts';

type SentFile = UppyFile<Meta, Body>;

interface Sent {
  readonly row: Row;
  readonly rate: Rate;
}

/** Bytes of a file that are sent, and all of them. */
const sizesOf = ({ bytesUploaded, bytesTotal }: SentFile['progress']) => ({
  sent: bytesUploaded || 0, // Uppy says `false` before the first
  total: bytesTotal || 1,
});

/** How far sending is: `Uploading 43 %, 12.0 MB/s, 2 min left`. */
function sendingWords({ progress }: SentFile, rate: Rate): string {
  const { sent, total } = sizesOf(progress);
  const perSecond = rate.perSecond();
  const words = [`Uploading ${percent((100 * sent) / total)}`];
  if (perSecond) words.push(`${bytes(perSecond)}/s`, `${timeLeft((total - sent) / perSecond)} left`);
  return words.join(', ');
}

export class Panel {
  readonly #uppy = new Uppy<Meta, Body>({ autoProceed: true });
  readonly #sent = new Map<string, Sent>();
  /** Rows of uploads that wait for their file, by the upload's id. */
  readonly #waiting = new Map<string, Row>();
  /** Rows of files that are there, by their video's id; and what was heard of videos, before or after. */
  readonly #videos = new Map<string, Row>();
  readonly #heard = new Map<string, LiveVideo>();
  readonly #arrived: () => void;

  /** @param arrived called when the library has something new */
  constructor(arrived: () => void) {
    this.#arrived = arrived;
    this.#uppy.use(Uploader);
    this.#uppy.on('file-added', (file) => this.#begin(file));
    this.#uppy.on('upload-progress', (file) => file && this.#showSending(file));
    this.#uppy.on('upload-pause', (file, isPaused) => file && this.#showPaused(file, isPaused));
    this.#uppy.on('upload-error', (file, error) => file && this.#showFailed(file, error.message));
    this.#uppy.on('upload-success', (file, { uploadURL = '' }) => file && this.#follow(file, uploadURL));
    this.#uppy.on('info-visible', () => {
      const [info] = this.#uppy.getState().info;
      if (info) note(info.message);
    });
    addEventListener('online', () => void this.#uppy.retryAll());
  }

  add(files: Iterable<File>): void {
    // One at a time: a file that is refused, or there already, should not keep the others out.
    for (const data of files) {
      try {
        if (data.size === 0) throw new Error(`${data.name} is empty; see whether it was copied whole`);
        this.#uppy.addFile({ name: data.name, type: data.type, data, source: 'page' });
      } catch (error) {
        noteError(error);
      }
    }
  }

  /** Offers to go on with what was left unfinished. */
  async offerWaiting(): Promise<void> {
    for (const upload of await waiting()) {
      try {
        this.#showWaiting(upload, (await bytesThere(upload.id)) / upload.size);
      } catch (error) {
        // Signed out, or no network yet: the upload is there nevertheless.
        if (isGone(error)) await forget(upload.id);
        else this.#showWaiting(upload, undefined);
      }
    }
  }

  #place(row: Row): void {
    byId('uploads').prepend(row.element);
    byId('uploads').hidden = false;
  }

  #takeAway(row: Row): void {
    row.element.remove();
    byId('uploads').hidden = byId('uploads').childElementCount === 0;
  }

  #begin(file: SentFile): void {
    for (const [id, row] of this.#waiting) {
      if (!(file.data instanceof File) || row.element.dataset['file'] !== markOf(file.data)) continue;
      this.#takeAway(row);
      this.#waiting.delete(id);
    }
    const sent = { row: new Row(file.name), rate: new Rate() };
    this.#sent.set(file.id, sent);
    this.#place(sent.row);
    sent.row.show({
      stage: 'waits',
      percent: 0,
      words: 'Waiting for its turn',
      said: 'Upload added',
      actions: [this.#cancel(file)],
    });
  }

  #cancel({ id }: SentFile) {
    return {
      name: 'Cancel',
      does: () => {
        const sent = this.#sent.get(id);
        this.#uppy.removeFile(id);
        this.#sent.delete(id);
        if (sent) this.#takeAway(sent.row);
      },
    };
  }

  #pause = ({ id }: SentFile, name: string) => ({ name, does: () => void this.#uppy.pauseResume(id) });

  #showSending({ id }: SentFile): void {
    const sent = this.#sent.get(id);
    const file = this.#uppy.getFiles().find((known) => known.id === id);
    if (!sent || !file || file.isPaused || file.progress.uploadComplete) return;
    const sizes = sizesOf(file.progress);
    sent.rate.add(performance.now(), sizes.sent);
    sent.row.show({
      stage: 'sending',
      percent: whileSent(sizes.sent / sizes.total),
      words: sendingWords(file, sent.rate),
      said: 'Uploading',
      actions: [this.#pause(file, 'Pause'), this.#cancel(file)],
    });
  }

  #showPaused(file: SentFile, isPaused: boolean): void {
    const sent = this.#sent.get(file.id);
    sent?.rate.clear();
    sent?.row.show({
      stage: isPaused ? 'paused' : 'waits',
      words: isPaused ? 'Paused' : 'Going on …',
      said: isPaused ? 'Paused' : 'Going on',
      percent: whileSent((file.progress.percentage ?? 0) / 100),
      actions: [this.#pause(file, isPaused ? 'Resume' : 'Pause'), this.#cancel(file)],
    });
  }

  #showFailed(file: SentFile, words: string): void {
    const sent = this.#sent.get(file.id);
    sent?.rate.clear();
    const again = { name: 'Try again', does: () => void this.#uppy.retryUpload(file.id) };
    const percentage = whileSent((file.progress.percentage ?? 0) / 100);
    const actions = [again, this.#cancel(file)];
    sent?.row.show({ stage: 'failed', percent: percentage, words, said: words, actions });
  }

  /** From now on the row tells how the file's video fares. */
  #follow({ id: fileId }: SentFile, path: string): void {
    const row = this.#sent.get(fileId)?.row;
    const id = new URLSearchParams(path.split('?')[1]).get('v') ?? '';
    if (!row) return;
    this.#videos.set(id, row);
    showVideo(row, this.#heard.get(id) ?? { id, state: 'queued', percent: 0 });
    this.#arrived();
  }

  /** Takes in how a video fares: of this panel's, or of another that may yet turn out to be. */
  hear(live: LiveVideo): void {
    this.#heard.set(live.id, live);
    const row = this.#videos.get(live.id);
    if (row) showVideo(row, live);
  }

  /** @param share of its bytes that are there; undefined where nobody says */
  #showWaiting(upload: Remembered, share: number | undefined): void {
    const row = new Row(upload.name);
    row.element.dataset['file'] = markOf(upload);
    this.#waiting.set(upload.id, row);
    const discard = () => {
      void forget(upload.id);
      client()
        .abortUpload(upload.id)
        .catch(() => {}); // the platform drops it by itself after some days
      this.#takeAway(row);
    };
    row.show({
      stage: 'paused',
      percent: share === undefined ? undefined : whileSent(share),
      words: `${share === undefined ? 'A part' : percent(100 * share)} was uploaded. Choose the same file again to go on.`,
      said: 'Unfinished upload',
      actions: [
        { name: 'Choose the file', does: () => part(document, '#files', HTMLInputElement).click() },
        { name: 'Discard', does: discard },
      ],
    });
    this.#place(row);
  }
}

/** What a file and an upload of it have in common. */
const markOf = ({ name, size, lastModified }: File | Remembered): string => `${name} ${size} ${lastModified}`;

/** Bytes of an unfinished upload that are there. Rejects with an error that `isGone` where there is no such upload any more. */
async function bytesThere(id: string): Promise<number> {
  const upload = await client().showUpload(id);
  if (upload.method === 'put') return 0;
  const { parts } = await client().listParts(id);
  return parts.reduce((sum, { size }) => sum + size, 0);
}

/** Starts the panel. @param arrived called when the library has something new */
export function startUploads(arrived: () => void): Panel {
  const panel = new Panel(arrived);
  const input = part(document, '#files', HTMLInputElement);
  byId('choose').addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    panel.add(input.files ?? []);
    input.value = ''; // so that the same file may be chosen again
  });
  let depth = 0; // drags enter and leave every element on their way
  const mark = (change: number) => {
    depth += change;
    document.body.classList.toggle('dropping', depth > 0);
  };
  document.addEventListener('dragenter', () => mark(1));
  document.addEventListener('dragleave', () => mark(-1));
  document.addEventListener('dragover', (event) => event.preventDefault());
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    mark(-depth);
    panel.add(event.dataTransfer?.files ?? []);
  });
  void panel.offerWaiting();
  return panel;
}
