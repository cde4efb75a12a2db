// The import rule between rooms (docs: shared DESIGN, "The rooms"): each room may import only what is listed.
const ROOMS = {
  video: [],
  // The checker reads with its own eyes: what writes a stream must not share a mistake with what checks it.
  check: [],
  jobs: ['video'],
  api: ['jobs', 'video'],
  lambda: ['api', 'jobs', 'video'],
  'worker-scripts': ['jobs', 'video'],
  // Of `api`, only the client that others build on.
  // Of `worker-scripts`, only the cage, which doctor tries, and the look at a source, by which estimate plans.
  cli: ['api/client', 'check', 'jobs', 'video', 'local', 'worker-scripts/cage', 'worker-scripts/inspect'],
  // Of `web`, only files.ts: the list of pages that the edge serves and the stack deploys.
  local: ['jobs', 'video', 'web'],
  lib: ['jobs', 'video', 'web'],
  bin: ['lib'],
  web: ['api/client'],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'check-opens-nothing',
      comment: 'It reads through the reader that it is given: no files, no network.',
      severity: 'error',
      from: { path: '^check/' },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'programs-run-in-the-cage',
      comment: 'What reads strangers’ bytes is started by the cage alone (docs/security.md).',
      severity: 'error',
      from: { path: '^(worker-scripts|jobs|video|lambda|api)/', pathNot: '^worker-scripts/cage/' },
      to: { path: '^(node:)?(child_process|cluster|worker_threads)$' },
    },
    {
      name: 'the-cage-is-entered-by-process',
      severity: 'error',
      from: { path: '^worker-scripts/', pathNot: '^worker-scripts/(process\\.ts|worker\\.ts|cage/)' },
      to: { path: '^worker-scripts/cage/' },
    },
    ...Object.entries(ROOMS).map(([room, allowed]) => ({
      name: `${room}-imports-only-${allowed.join('-') || 'itself'}`,
      severity: 'error',
      from: { path: `^${room}/` },
      to: {
        path: `^(${[...Object.keys(ROOMS), 'bench', 'test'].join('|')})/`,
        pathNot: `^(${[room, ...allowed].join('|')})(/|\\.ts$)`,
      },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules' },
    // TypeScript 7 has no JavaScript API for others to parse with.
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.cjs'] },
  },
};
