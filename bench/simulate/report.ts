/** A run in words and figures, for a terminal. */
import { costsOf } from './costs.ts';
import { checksOf } from './limits.ts';
import { peak, RESOURCES, requestsOf, sum } from './requests.ts';
import type { Result, Sample } from './simulation.ts';

const number = (value: number): string =>
  value >= 100 || Number.isInteger(value) ? Math.round(value).toLocaleString('en') : value.toPrecision(3);

/** `1 h 23 min`, `4 min 05 s`, `12.3 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const pad = (value: number) => String(value).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${pad(Math.floor(whole / 60) % 60)} min`;
}

/** The value that a share of all does not exceed (nearest rank). Of sorted numbers. */
export function percentile(sorted: readonly number[], share: number): number {
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new RangeError('No percentile of nothing');
  return value;
}

const mean = (samples: readonly Sample[], of: (sample: Sample) => number): number =>
  sum(samples.map(of)) / samples.length;

/** Lines of a table: the first column left, the others right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => peak(rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
}

function turnaroundLine({ turnarounds }: Result): string {
  const sorted = turnarounds.toSorted((a, b) => a - b);
  const points = (
    [
      ['p50', 0.5],
      ['p90', 0.9],
      ['p99', 0.99],
      ['max', 1],
    ] as const
  ).map(([name, share]) => `${name} ${duration(percentile(sorted, share))}`);
  return `turnaround: ${points.join(', ')}`;
}

function fleetLines({ fleet, samples, lasted }: Result): string[] {
  const busy = fleet.done / 3600 / fleet.vcpuHours;
  const repeated = (100 * fleet.repeated) / (fleet.done + fleet.repeated);
  return [
    `fleet: peak ${number(peak(samples.map(({ vcpus }) => vcpus)))} vCPUs on ${number(peak(samples.map(({ machines }) => machines)))} machines, mean ${number(mean(samples, ({ vcpus }) => vcpus))} vCPUs over ${duration(lasted)}; ${number(fleet.machines)} machines launched`,
    `use: ${(100 * busy).toFixed(1)} % of ${number(fleet.vcpuHours)} vCPU-hours ran tasks, the rest booted or waited`,
    `backlog: at most ${number(peak(samples.map(({ waiting }) => waiting)))} tasks and ${number(peak(samples.map(({ events }) => events)))} events`,
    `interruptions: ${number(fleet.interruptions)}, of them ${number(fleet.withoutNotice)} without notice; work repeated ${repeated.toFixed(2)} %`,
  ];
}

/** Everything about a run, and whether it stayed within the limits. */
export function report(result: Result): { lines: string[]; ok: boolean } {
  const costs = costsOf(result);
  const total = sum(Object.values(costs));
  const minutes = result.outputSeconds / 60;
  const checks = checksOf(result);
  const rates = RESOURCES.map((resource) => ({ resource, counts: requestsOf(result.steps, resource) }));
  return {
    ok: checks.every(({ ok }) => ok),
    lines: [
      `== ${result.scenario.title}: ${number(result.uploaded)} video(s), ${number(minutes)} minutes, at most ${number(result.scenario.maxVcpus)} vCPUs`,
      turnaroundLine(result),
      ...fleetLines(result),
      `cost: $${total.toFixed(2)}, that is $${(total / minutes).toFixed(6)} an output minute`,
      ...table(
        Object.entries(costs).map(([name, dollars]) => [
          `  ${name}`,
          `$${dollars.toFixed(2)}`,
          `${((100 * dollars) / total).toFixed(1)} %`,
        ]),
      ),
      'requests:',
      ...table(
        rates.map(({ resource, counts }) => [
          `  ${resource}`,
          `${number(sum(counts))} in all`,
          `at most ${number(peak(counts))} a second`,
        ]),
      ),
      'limits:',
      ...table(
        checks.map(({ name, reached, limit, unit, ok, note }) => [
          `  ${name}`,
          number(reached),
          `of ${number(limit)} ${unit}`,
          ok ? 'ok' : 'EXCEEDED',
          note === undefined ? '' : `(${note})`,
        ]),
      ),
    ],
  };
}
