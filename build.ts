/**
 * `npm run build`: what `npm pack` packs, in dist/. Node strips no types below node_modules, so the package holds
 * JavaScript and declarations in the folders of the repository, and the pages as Vite makes them.
 */
import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pagesFolder } from './web/files.ts';

const ROOT = import.meta.dirname;
const DIST = join(ROOT, 'dist');

/** Files that programs read, beside those that TypeScript writes. */
const COPIED = [
  'local/iam/policies.json',
  'web/guard.js',
  'web/rewrite.js',
  'worker-scripts/bake.sh',
  'worker-scripts/bootstrap.sh',
  'worker-scripts/install.sh',
];

rmSync(DIST, { recursive: true, force: true });
execFileSync(join(ROOT, 'node_modules/.bin/tsc'), ['--project', 'tsconfig.build.json'], {
  cwd: ROOT,
  stdio: 'inherit',
});
for (const path of COPIED) copyFileSync(join(ROOT, path), join(DIST, path));
cpSync(pagesFolder(), join(DIST, 'web/pages'), { recursive: true });
// `spotreel deploy` runs CDK in the package's folder.
const cdkJson = readFileSync(join(ROOT, 'cdk.json'), 'utf8');
writeFileSync(join(DIST, 'cdk.json'), cdkJson.replace('bin/spotreel.ts', 'bin/spotreel.js'));
