#!/usr/bin/env node
/** The command line's entry: runs a command, and ends as it did. */
import { fail } from './endings.ts';
import { program } from './program.ts';

// Whoever reads our output may have read enough: `spotreel list | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

await program.parseAsync().catch((error: unknown) => fail(error));
