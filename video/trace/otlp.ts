/**
 * A trace as OpenTelemetry's collectors take it: an `ExportTraceServiceRequest` in OTLP's JSON encoding, in which ids are
 * hexadecimal, enums numbers, and 64-bit numbers decimal texts.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 * https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
import type { Span, Trace } from './span.ts';

/** `Span.SpanKind` and `Status.StatusCode` of trace.proto. */
const SPAN_KIND_INTERNAL = 1;
const STATUS_CODE_ERROR = 2;

const nanos = (iso: string): string => `${Date.parse(iso)}000000`;

const attribute = (key: string, value: string | number) => ({
  key,
  value: typeof value === 'string' ? { stringValue: value } : { doubleValue: value },
});

const spanOf = (traceId: string, parent: string | undefined, span: Span) => ({
  traceId,
  spanId: span.id,
  ...(parent !== undefined && { parentSpanId: parent }),
  name: span.name,
  kind: SPAN_KIND_INTERNAL,
  startTimeUnixNano: nanos(span.startedAt),
  endTimeUnixNano: nanos(span.finishedAt),
  attributes: Object.entries(span.attributes).map(([key, value]) => attribute(`spotreel.${key}`, value)),
  ...(span.error !== undefined && { status: { code: STATUS_CODE_ERROR, message: span.error } }),
});

/** The body of a POST to a collector's `/v1/traces`. */
export function otlpOf({ id, spans }: Trace) {
  const [whole, ...children] = spans;
  return {
    resourceSpans: [
      {
        resource: { attributes: [attribute('service.name', 'spotreel')] },
        scopeSpans: [
          {
            scope: { name: 'spotreel' },
            spans: [
              ...(whole ? [spanOf(id, undefined, whole)] : []),
              ...children.map((span) => spanOf(id, whole?.id, span)),
            ],
          },
        ],
      },
    ],
  };
}
