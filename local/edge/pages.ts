/** The static pages, with the rewrite that CloudFront does for them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { runInNewContext } from 'node:vm';
import { CACHE_CONTROL, contentTypeOf } from '../../jobs/platform.ts';
import { NOT_FOUND_PATH, REWRITE_FILE, webFiles } from '../../web/files.ts';
import { type Answer, matchesEtag, whole } from './answer.ts';

type RewriteFunction = (event: { request: { uri: string } }) => { uri: string };

// The file defines `handler`, and that is of this type, as the tests of this file show.
const rewrite = runInNewContext(`${readFileSync(REWRITE_FILE, 'utf8')}; handler`) as RewriteFunction;

let known: ReadonlyMap<string, string> | undefined;

/** Where the file of each path is. The first call builds the pages where they have changed. */
export function pageFiles(): ReadonlyMap<string, string> {
  known ??= new Map(webFiles().map(({ path, file }) => [path, file]));
  return known;
}

async function fileAnswer(path: string, status: number, ifNoneMatch: string | undefined): Promise<Answer> {
  const file = pageFiles().get(path);
  if (file === undefined) return notFound();
  const content = await readFile(file);
  const etag = `"${createHash('md5').update(content).digest('hex')}"`;
  const headers = { etag, 'cache-control': CACHE_CONTROL.replaceable };
  if (status === 200 && matchesEtag(ifNoneMatch, etag)) return { status: 304, headers };
  return whole(status, { ...headers, 'content-type': contentTypeOf(path) }, content);
}

/** Answers a URL path that is a page, a script or a style sheet; everything else is not there. */
export async function pageAnswer(path: string, ifNoneMatch: string | undefined): Promise<Answer> {
  return fileAnswer(rewrite({ request: { uri: path } }).uri, 200, ifNoneMatch);
}

/** The page that says so, with status 404. */
export function notFound(): Promise<Answer> {
  return fileAnswer(NOT_FOUND_PATH, 404, undefined);
}
