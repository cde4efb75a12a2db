// The way to a page: `/` is index.html, `/watch` is watch.html, `/embed/<id>` is embed.html, and what is no file of ours is the page that says so,
// with status 404. A CloudFront Function on viewer requests (runtime cloudfront-js-2.0, hence a plain script without
// exports), which the local edge runs unchanged. It does so because CloudFront's error pages would hold for the API, too.
// `rewriteSource` (files.ts) writes PATHS, the paths of all files, and NOT_FOUND, the page, before it.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html

/* global PATHS, NOT_FOUND */

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by its name
function handler(event) {
  const request = event.request;
  request.uri = fileOf(request.uri);
  if (PATHS.includes(request.uri)) return request;
  return {
    statusCode: 404,
    statusDescription: 'Not Found',
    headers: {
      'content-type': { value: 'text/html; charset=utf-8' },
      'cache-control': { value: 'no-store' },
    },
    body: { encoding: 'text', data: NOT_FOUND },
  };
}

function fileOf(path) {
  if (/^\/embed\/[^/]+$/.test(path)) return '/embed.html';
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name === '') return `${path}index.html`;
  return name.includes('.') ? path : `${path}.html`;
}
