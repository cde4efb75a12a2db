/** The benchmark's rows as a terminal shows them. Pure. */
import { columns } from '../cli/text.ts';
import { compare } from './compare.ts';
import type { Figures } from './figures.ts';
import type { Row } from './row.ts';

const TITLES = ['part', 'less is better', 'now', 'rounds', 'target', '', 'last', 'now / last', 'measured'];

/** Two decimals; of megabytes none. */
const number = (value: number, unit: Row['unit']): string => value.toFixed(unit === 'MB' ? 0 : 2);

const withUnit = (value: number, unit: Row['unit']): string => `${number(value, unit)} ${unit}`.trimEnd();

/** @param last the figures that are kept, or why there are none */
export function tableOf(now: Figures, last: Figures | string): string {
  const lines = now.rows.map((row) => [...cellsOf(row), ...comparisonOf(row, now, last), row.detail]);
  return [columns([TITLES, ...lines]), '', ...footOf(now, last)].join('\n');
}

function cellsOf({ part, what, unit, value, least, most, limit }: Row): string[] {
  const target = limit === undefined ? ['', ''] : [withUnit(limit, unit), value <= limit ? 'met' : 'NOT met'];
  return [part, what, withUnit(value, unit), `${number(least, unit)} to ${number(most, unit)}`, ...target];
}

function comparisonOf(row: Row, now: Figures, last: Figures | string): string[] {
  if (typeof last === 'string') return ['', ''];
  const compared = compare(row, now.machine, last);
  if (typeof compared === 'string') return ['', compared];
  const { ratio, verdict } = compared;
  return [withUnit(compared.last, row.unit), `${ratio.toFixed(2)}${verdict === 'same' ? '' : ` ${verdict}`}`];
}

function footOf(now: Figures, last: Figures | string): string[] {
  const clips = [...new Set(now.rows.flatMap(({ clip }) => clip ?? []))].map((clip) => `clip: ${clip}`);
  return [...clips, `now: ${about(now)}`, `last: ${typeof last === 'string' ? last : about(last)}`];
}

function about({ at, commit, machine, load }: Figures): string {
  const { cpu, cores, node, ffmpeg } = machine;
  const when = at.slice(0, 16).replace('T', ' ');
  return `${when}, commit ${commit}, ${cores} cores of ${cpu}, Node ${node}, ffmpeg ${ffmpeg}, load before ${load.toFixed(1)}`;
}
