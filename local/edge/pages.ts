/** The static pages, behind the function that CloudFront runs before them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { runInNewContext } from 'node:vm';
import { CACHE_CONTROL, contentTypeOf } from '../../jobs/platform.ts';
import { rewriteSource, webFiles } from '../../web/files.ts';
import { type Answer, matchesEtag, whole } from './answer.ts';

/** What the function makes of a request: another request, or the answer itself. */
type Rewritten =
  | { readonly uri: string }
  | {
      readonly statusCode: number;
      readonly headers: Readonly<Record<string, { readonly value: string }>>;
      readonly body: { readonly data: string };
    };
type RewriteFunction = (event: { request: { uri: string } }) => Rewritten;

/** Answers a URL's path: with a page, a script, a style sheet, or the page that says that it is not there. */
export type AnswerPage = (path: string, ifNoneMatch: string | undefined) => Promise<Answer>;

/** Opens the pages, which are built where they have changed. Throws where they can not be built. */
export function openPages(): AnswerPage {
  const files = new Map(webFiles().map(({ path, file }) => [path, file]));
  // The source defines `handler`, and that is of this type, as the tests of the edge show.
  const rewrite = runInNewContext(`${rewriteSource()}; handler`) as RewriteFunction;
  return async (path, ifNoneMatch) => {
    const rewritten = rewrite({ request: { uri: path } });
    if ('uri' in rewritten) return fileAnswer(files, rewritten.uri, ifNoneMatch);
    const { statusCode, headers, body } = rewritten;
    const sent = Object.entries(headers).map(([name, { value }]) => [name, value]);
    return whole(statusCode, Object.fromEntries(sent), body.data);
  };
}

async function fileAnswer(
  files: ReadonlyMap<string, string>,
  path: string,
  ifNoneMatch: string | undefined,
): Promise<Answer> {
  const file = files.get(path);
  if (file === undefined) throw new Error(`rewrite.js lets ${path} pass, which is no file`);
  const content = await readFile(file);
  const etag = `"${createHash('md5').update(content).digest('hex')}"`;
  const headers = { etag, 'cache-control': CACHE_CONTROL.replaceable };
  if (matchesEtag(ifNoneMatch, etag)) return { status: 304, headers };
  return whole(200, { ...headers, 'content-type': contentTypeOf(path) }, content);
}
