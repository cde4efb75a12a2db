/**
 * A trace as X-Ray takes it: its whole as a segment, every other span as a subsegment that is sent by itself, so that no
 * document comes near the 64 kB that one may have.
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
 */
import { PutTraceSegmentsCommand, type XRayClient } from '@aws-sdk/client-xray';
import { endOf, type Span, secondsOf, startOf, type Trace } from '../video/trace/span.ts';
import { batchesOf } from './batches.ts';

/** Documents of a request: what X-Ray's own daemon sends at once. */
const DOCUMENTS_AT_ONCE = 50;

/**
 * Spans that are sent besides the whole, the longest ones: X-Ray promises to keep 100 kB of a trace, and one takes up to
 * half a one. https://aws.amazon.com/xray/pricing/
 */
export const MOST_SPANS = 200;

/** Milliseconds that all requests for a trace may take: whoever sends one has other things to do. */
const LIMIT_MS = 5000;

function documentOf(traceId: string, span: Span) {
  const { id, name, error } = span;
  return {
    trace_id: traceId,
    id,
    name,
    start_time: startOf(span),
    end_time: endOf(span),
    ...(error !== undefined && { fault: true, cause: { exceptions: [{ id, message: error }] } }),
  };
}

/** A trace's documents. @param platform names this deployment among others of the account */
export function segmentsOf({ id, state, spans }: Trace, platform: string) {
  const [whole, ...children] = spans;
  if (!whole) return [];
  const traceId = `1-${id.slice(0, 8)}-${id.slice(8)}`;
  const sent = children.toSorted((a, b) => secondsOf(b) - secondsOf(a)).slice(0, MOST_SPANS);
  const leftOut = children.length - sent.length;
  return [
    {
      ...documentOf(traceId, { ...whole, name: `spotreel ${platform}` }),
      // What a trace can be found by.
      annotations: { ...whole.attributes, state, ...(leftOut > 0 && { spansLeftOut: leftOut }) },
    },
    ...sent.map((span) => ({
      ...documentOf(traceId, span),
      type: 'subsegment',
      parent_id: whole.id,
      metadata: { spotreel: span.attributes },
    })),
  ];
}

/** Sends a trace. Sent again, it takes its own place: its ids are the same. */
export async function sendTrace(xray: XRayClient, platform: string, trace: Trace): Promise<void> {
  const documents = segmentsOf(trace, platform).map((document) => JSON.stringify(document));
  const abortSignal = AbortSignal.timeout(LIMIT_MS);
  for (const TraceSegmentDocuments of batchesOf(documents, DOCUMENTS_AT_ONCE)) {
    const command = new PutTraceSegmentsCommand({ TraceSegmentDocuments });
    const { UnprocessedTraceSegments = [] } = await xray.send(command, { abortSignal });
    const [refused] = UnprocessedTraceSegments;
    if (refused)
      throw new Error(`X-Ray did not take span ${refused.Id}: ${refused.ErrorCode}, ${refused.Message}`);
  }
}
