// Node runs our TypeScript by stripping its types; jest needs a transform for the same thing.
/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2024', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  // Ends what hangs; it measures nothing. A machine that is busy with other things may take minutes for an encode.
  testTimeout: 600_000,
  maxWorkers: 2,
};
