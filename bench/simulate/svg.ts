/** Plots of a run as SVG: legible on light and on dark, no script, no font of its own. */
import { peak } from './requests.ts';
import type { Sample } from './simulation.ts';

interface Line {
  readonly name: string;
  /** A CSS class of `STYLE`. */
  readonly style: 'fleet' | 'running' | 'waiting';
  of(sample: Sample): number;
}

interface Panel {
  readonly title: string;
  readonly lines: readonly Line[];
}

const PANELS: readonly Panel[] = [
  {
    title: 'Fleet, vCPUs',
    lines: [
      { name: 'running or booting', style: 'fleet', of: ({ vcpus }) => vcpus },
      { name: 'with a task', style: 'running', of: ({ running }) => running },
    ],
  },
  {
    title: 'Backlog',
    lines: [
      { name: 'tasks that wait', style: 'waiting', of: ({ waiting }) => waiting },
      { name: 'events that wait for dispatch', style: 'fleet', of: ({ events }) => events },
    ],
  },
];

const STYLE = `text{font:12px system-ui,sans-serif;fill:#333}.title{font-weight:600}.grid{stroke:#8884}
path{fill:none;stroke-width:1.5}.fleet{stroke:#2563c9}.running{stroke:#1a8a4a}.waiting{stroke:#c2570c}
@media(prefers-color-scheme:dark){text{fill:#ddd}.fleet{stroke:#7db0ff}.running{stroke:#5fd394}.waiting{stroke:#ffa45c}}`;

// Pixels.
const WIDTH = 720;
const LEFT = 64;
const RIGHT = 12;
const PANEL = { height: 150, top: 34, gap: 66 };

/** The largest of 1, 2, 5 times a power of ten of which about `count` fit into `range`. */
function stepOf(range: number, count: number): number {
  const power = 10 ** Math.floor(Math.log10(range / count));
  return [5, 2, 1].map((factor) => factor * power).find((step) => range / step >= count) ?? power;
}

/** Steps of a time axis, in seconds. */
const TIME_STEPS = [60, 120, 300, 600, 1800, 3600, 4 * 3600, 6 * 3600];
const timeText = (seconds: number, step: number) =>
  step >= 3600 ? `${seconds / 3600} h` : `${seconds / 60} min`;

function panel({ title, lines }: Panel, samples: readonly Sample[], top: number): string {
  const end = samples.at(-1)?.at ?? 1;
  const high = Math.max(1, peak(lines.map(({ of }) => peak(samples.map(of)))));
  const x = (seconds: number) => (LEFT + (seconds / end) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const y = (value: number) => (top + PANEL.height * (1 - value / high)).toFixed(1);
  const step = stepOf(high, 3);
  const rows = Array.from({ length: Math.floor(high / step) + 1 }, (_, index) => index * step);
  const timeStep = TIME_STEPS.find((seconds) => end / seconds <= 9) ?? 12 * 3600;
  const columns = Array.from({ length: Math.floor(end / timeStep) + 1 }, (_, index) => index * timeStep);
  const legend = lines.map(({ name, style }, index) => {
    const at = 190 + index * 190;
    return `<path class="${style}" d="M${at} ${top - 16}h22"/><text x="${at + 28}" y="${top - 12}">${name}</text>`;
  });
  return [
    `<text class="title" x="${LEFT}" y="${top - 12}">${title}</text>`,
    ...legend,
    ...rows.map(
      (value) =>
        `<path class="grid" d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}"/><text text-anchor="end" x="${LEFT - 6}" y="${Number(y(value)) + 4}">${value.toLocaleString('en')}</text>`,
    ),
    ...columns.map(
      (seconds) =>
        `<text text-anchor="middle" x="${x(seconds)}" y="${top + PANEL.height + 18}">${timeText(seconds, timeStep)}</text>`,
    ),
    ...lines.map(({ style, of }) => {
      const points = samples.map((sample) => `${x(sample.at)} ${y(of(sample))}`);
      return `<path class="${style}" d="M${points.join('L')}"/>`;
    }),
  ].join('\n');
}

/** Fleet and backlog over time. */
export function plot(title: string, samples: readonly Sample[]): string {
  const height = PANELS.length * (PANEL.height + PANEL.gap) + 8;
  const panels = PANELS.map((one, index) =>
    panel(one, samples, PANEL.top + index * (PANEL.height + PANEL.gap)),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}">
<style>${STYLE}</style>
${panels.join('\n')}
</svg>
`;
}
