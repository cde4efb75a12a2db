#!/usr/bin/env node
/** The command line's entry: runs a command, and ends as it did. */
import { useCompiled } from '../local/compiled.ts';
import { fail } from './endings.ts';

useCompiled();
const { program } = await import('./program.ts');

// Whoever reads our output may have read enough: `spotreel list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

await program.parseAsync().catch((error: unknown) => fail(error));
