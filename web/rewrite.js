// Pretty URLs: `/` is index.html, `/watch` is watch.html. A CloudFront Function on viewer requests (runtime
// cloudfront-js-2.0, hence a plain script without exports), which the local edge runs unchanged.
// https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html

// biome-ignore lint/correctness/noUnusedVariables: CloudFront calls it by its name
function handler(event) {
  const request = event.request;
  const name = request.uri.slice(request.uri.lastIndexOf('/') + 1);
  if (name === '') request.uri += 'index.html';
  else if (!name.includes('.')) request.uri += '.html';
  return request;
}
