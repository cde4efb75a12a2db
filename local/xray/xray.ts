/**
 * X-Ray on a laptop, as far as traces are sent: checks documents as its schema demands, and keeps each as a file,
 * `<trace id>/<span id>.json`.
 * https://docs.aws.amazon.com/xray/latest/api/API_PutTraceSegments.html
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type ApiAnswer, type ApiRequest, apiListener, type Listening, listen } from '../aws/http.ts';
import { type Authorize, accessKeyOf, allowAll } from '../iam/iam.ts';

/** Bytes of the largest document. */
const LARGEST_DOCUMENT = 64 * 1024;

export interface XrayOptions {
  /** Folder of the traces. */
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
}

const id = z.string().regex(/^[0-9a-f]{16}$/);
const value = z.union([z.string(), z.number(), z.boolean()]);
const common = {
  id,
  trace_id: z.string().regex(/^1-[0-9a-f]{8}-[0-9a-f]{24}$/),
  name: z.string().regex(/^[\p{L}\p{N}\s_.:/%&#=+\\\-@]{1,200}$/u),
  /** Seconds since 1970. */
  start_time: z.number(),
  end_time: z.number(),
  fault: z.boolean().optional(),
  cause: z.strictObject({ exceptions: z.array(z.strictObject({ id, message: z.string() })) }).optional(),
  annotations: z.record(z.string().regex(/^[A-Za-z0-9_]+$/), value).optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
};
export const documentSchema = z
  .union([
    z.strictObject({ ...common, type: z.literal('subsegment'), parent_id: id }),
    z.strictObject({ ...common, parent_id: id.optional() }),
  ])
  .refine(({ start_time, end_time }) => start_time <= end_time, 'ends before it begins');
export type SegmentDocument = z.infer<typeof documentSchema>;

const putSchema = z.object({ TraceSegmentDocuments: z.array(z.string()) });

const json = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): ApiAnswer => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(body),
});

/** Reads a document; or says what is wrong with it. */
function parsed(text: string): { readonly document: SegmentDocument } | { readonly problem: object } {
  const refused = (Message: string) => ({ problem: { ErrorCode: 'InvalidSegment', Message } });
  if (Buffer.byteLength(text) > LARGEST_DOCUMENT) return refused('The document is too large');
  try {
    const { success, data, error } = documentSchema.safeParse(JSON.parse(text));
    return success ? { document: data } : refused(z.prettifyError(error));
  } catch (error) {
    return refused(String(error));
  }
}

/** Starts it on the loopback interface. Rejects where the port is taken. */
export function startXray({ dataDir, port, authorize = allowAll }: XrayOptions): Promise<Listening> {
  const keep = async (document: SegmentDocument) => {
    const folder = join(dataDir, document.trace_id);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${document.id}.json`), JSON.stringify(document));
  };
  const answer = async ({ path, headers, body }: ApiRequest): Promise<ApiAnswer> => {
    if (path !== '/TraceSegments') return json(404, { message: `There is nothing at ${path}` });
    if (!authorize(accessKeyOf(headers), { action: 'xray:PutTraceSegments', resource: '*' }))
      return json(
        403,
        { message: 'xray:PutTraceSegments is not allowed' },
        { 'x-amzn-errortype': 'AccessDeniedException' },
      );
    const results = putSchema.parse(JSON.parse(body)).TraceSegmentDocuments.map(parsed);
    for (const result of results) if ('document' in result) await keep(result.document);
    return json(200, {
      UnprocessedTraceSegments: results.flatMap((result) => ('problem' in result ? [result.problem] : [])),
    });
  };
  return listen(port, apiListener(answer));
}
