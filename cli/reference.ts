/** Every command's help, as docs/cli.md has it: the page can not say what the commands do not. */
import type { Command } from 'commander';

/** Columns of the help in the page. */
const WIDTH = 110;

/** Commands below a command, or it itself where it has none, with their full names. */
function leaves(command: Command, name: string): [name: string, command: Command][] {
  if (command.commands.length === 0) return [[name, command]];
  return command.commands.flatMap((child) => leaves(child, `${name} ${child.name()}`));
}

/** A command's whole help, with its examples. */
function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => WIDTH,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return help.trim();
}

/** The reference, in Markdown. */
export const commandReference = (program: Command): string =>
  leaves(program, program.name())
    .map(([name, command]) => `### ${name}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`)
    .join('\n');
