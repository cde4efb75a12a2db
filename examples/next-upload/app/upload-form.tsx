'use client';
/** A form that sends a file from the browser straight to the platform's bucket, in parallel parts. */
import { useState } from 'react';
import { SpotreelClient } from 'spotreel/client';
import type { UploadPermit } from './api/upload-token/route';

export function UploadForm() {
  const [words, setWords] = useState('');
  const [page, setPage] = useState<string>();

  async function send(file: File) {
    setPage(undefined);
    const answer = await fetch('/api/upload-token', { method: 'POST' });
    if (!answer.ok) throw new Error('You may not upload just now. Try again later.');
    const { url, token }: UploadPermit = await answer.json();
    const { id } = await new SpotreelClient({ url, token }).upload(file, {
      onProgress: ({ sentBytes, totalBytes }) =>
        setWords(`${Math.floor((100 * sentBytes) / totalBytes)} % sent`),
    });
    setWords('Your film is here. It plays as soon as its first seconds are encoded:');
    setPage(`${url}/watch?v=${id}`);
  }

  return (
    <>
      <label>
        Film{' '}
        <input
          type="file"
          accept="video/*"
          onChange={({ target: { files } }) => {
            const [file] = files ?? [];
            if (file) send(file).catch((error: Error) => setWords(error.message));
          }}
        />
      </label>
      <p role="status">{words}</p>
      {page && <a href={page}>Watch it</a>}
    </>
  );
}
