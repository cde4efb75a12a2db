// The import rule between rooms (docs: shared DESIGN, "The rooms"): each room may import only what is listed.
const ROOMS = {
  video: [],
  jobs: ['video'],
  lambda: ['jobs', 'video'],
  'worker-scripts': ['jobs', 'video'],
  cli: ['jobs', 'video', 'local'],
  // Of `web`, only files.ts: the list of pages that the edge serves and the stack deploys.
  local: ['jobs', 'video', 'web'],
  lib: ['jobs', 'video', 'web'],
  bin: ['lib'],
  web: [],
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
    ...Object.entries(ROOMS).map(([room, allowed]) => ({
      name: `${room}-imports-only-${allowed.join('-') || 'itself'}`,
      severity: 'error',
      from: { path: `^${room}/` },
      to: {
        path: `^(${[...Object.keys(ROOMS), 'bench', 'test'].join('|')})/`,
        pathNot: `^(${[room, ...allowed].join('|')})/`,
      },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.cjs'] },
  },
};
