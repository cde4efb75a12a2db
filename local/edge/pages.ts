/** The static pages, behind the function that CloudFront runs before them. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { CACHE_CONTROL, contentTypeOf } from '../../jobs/platform.ts';
import { rewriteSource, type WebFile, webFiles } from '../../web/files.ts';
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
export type AnswerPage = (path: string, ifNoneMatch: string | undefined) => Answer;

interface Page {
  readonly content: Buffer;
  readonly etag: string;
  readonly cacheControl: string;
}

function readPage({ file, isNamedByContent }: WebFile): Page {
  const content = readFileSync(file);
  return {
    content,
    etag: `"${createHash('md5').update(content).digest('hex')}"`,
    cacheControl: isNamedByContent ? CACHE_CONTROL.immutable : CACHE_CONTROL.replaceable,
  };
}

/** Opens the pages, which are built where they have changed. Throws where they can not be built. */
export function openPages(): AnswerPage {
  const pages = new Map(webFiles().map((file) => [file.path, readPage(file)]));
  // The source defines `handler`, and that is of this type, as the tests of the edge show.
  const rewrite = runInNewContext(`${rewriteSource()}; handler`) as RewriteFunction;
  return (path, ifNoneMatch) => {
    const rewritten = rewrite({ request: { uri: path } });
    if ('uri' in rewritten) return pageAnswer(pages, rewritten.uri, ifNoneMatch);
    const { statusCode, headers, body } = rewritten;
    const sent = Object.entries(headers).map(([name, { value }]) => [name, value]);
    return whole(statusCode, Object.fromEntries(sent), body.data);
  };
}

function pageAnswer(pages: ReadonlyMap<string, Page>, path: string, ifNoneMatch: string | undefined): Answer {
  const page = pages.get(path);
  if (!page) throw new Error(`rewrite.js lets ${path} pass, which is no file`);
  const { content, etag, cacheControl } = page;
  const headers = { etag, 'cache-control': cacheControl };
  if (matchesEtag(ifNoneMatch, etag)) return { status: 304, headers };
  return whole(200, { ...headers, 'content-type': contentTypeOf(path) }, content);
}
