/** Metrics as CloudWatch takes them out of log lines, by the specification of its embedded metric format. */
import { z } from 'zod';

const envelopeSchema = z.object({
  _aws: z.strictObject({
    Timestamp: z.int().positive(),
    CloudWatchMetrics: z
      .array(
        z.strictObject({
          Namespace: z.string().min(1),
          Dimensions: z.array(z.array(z.string()).max(30)).min(1),
          Metrics: z.array(z.strictObject({ Name: z.string(), Unit: z.string() })).min(1),
        }),
      )
      .min(1),
  }),
});

export interface Emitted {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The metrics of log lines, once for each of their sets of dimensions. Throws where CloudWatch would drop one. */
export function emittedBy(lines: readonly Readonly<Record<string, unknown>>[]): Emitted[] {
  return lines
    .filter((line) => '_aws' in line)
    .flatMap((line) =>
      envelopeSchema.parse(line)._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
        Dimensions.flatMap((names) =>
          Metrics.map(({ Name, Unit }) => ({
            namespace: Namespace,
            name: Name,
            unit: Unit,
            dimensions: Object.fromEntries(names.map((name) => [name, z.string().min(1).parse(line[name])])),
            value: z.number().parse(line[Name]),
          })),
        ),
      ),
    );
}

/** The values of a metric in log lines, whatever it is counted by. */
export const valuesOf = (lines: Parameters<typeof emittedBy>[0], name: string): number[] =>
  emittedBy(lines.map((line) => ({ platform: 'tested', ...line }))).flatMap((metric) =>
    metric.name === name && Object.keys(metric.dimensions).length === 1 ? [metric.value] : [],
  );
