/**
 * The platform on paper: the real planner and the real capacity function in a simulated cloud.
 *   npm run bench:simulate -- [SCENARIO...] [--seed N] [--svg FOLDER]
 * Prints turnaround, fleet, cost, requests and limits of each scenario (all of them by default); ends with 1 where a
 * limit is exceeded. `--svg` writes a plot of each into a folder. What is assumed: bench/simulate/assumptions.ts.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { report } from './simulate/report.ts';
import { SCENARIOS } from './simulate/scenarios.ts';
import { simulate } from './simulate/simulation.ts';
import { plot } from './simulate/svg.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string', default: '1' }, svg: { type: 'string' } },
});
const seed = Number(values.seed);
if (!Number.isInteger(seed)) throw new Error(`--seed is '${values.seed}'; give a whole number`);
const names = SCENARIOS.map(({ name }) => name);
const unknown = positionals.find((name) => !names.includes(name));
if (unknown !== undefined)
  throw new Error(`'${unknown}' is no scenario; name some of ${names.join(', ')}, or none for all`);

for (const scenario of SCENARIOS) {
  if (positionals.length > 0 && !positionals.includes(scenario.name)) continue;
  const started = performance.now();
  const result = simulate(scenario, seed);
  const { lines, ok } = report(result);
  if (!ok) process.exitCode = 1;
  console.log(lines.join('\n'));
  console.log(`simulated in ${((performance.now() - started) / 1000).toFixed(1)} s, seed ${seed}\n`);
  if (values.svg !== undefined)
    await writeFile(join(values.svg, `scale-${scenario.name}.svg`), plot(scenario.title, result.samples));
}
