/** `spotreel token`: who may do what. */
import { SSMClient } from '@aws-sdk/client-ssm';
import { type Command, Option } from 'commander';
import type { SpotreelClient } from '../api/client/index.ts';
import { type Scope, scopeSchema, Tokens } from '../jobs/tokens.ts';
import { clientOf, print, printEach, type RemoteOptions, remoteCommand } from './remote.ts';
import { localTime } from './text.ts';

interface CreateOptions extends RemoteOptions {
  readonly scope: Scope[];
  readonly parameters?: string;
}

type CreatedToken = Awaited<ReturnType<SpotreelClient['createToken']>>;

/** The first token of a platform on AWS is made by whoever may write its parameters, for nobody has a token yet. */
function created(name: string, options: CreateOptions): Promise<Pick<CreatedToken, 'token' | 'id'>> {
  const { scope: scopes, parameters } = options;
  return parameters === undefined
    ? clientOf(options).createToken({ name, scopes })
    : new Tokens(new SSMClient(), parameters).create(name, scopes);
}

/** Adds the commands. */
export function addTokens(program: Command): void {
  const token = program.command('token').description('API tokens: who may do what');

  remoteCommand(token, 'create', 'make a token, which is printed this once')
    .argument('<name>', 'what you will know it by')
    .addOption(
      new Option('--scope <scopes...>', 'what it is good for')
        .choices(scopeSchema.options)
        .makeOptionMandatory(),
    )
    .option(
      '--parameters <prefix>',
      'write it with your AWS credentials, for the first token: the output ApiParameters of the stack',
    )
    .addHelpText(
      'after',
      `
Examples:
  spotreel token create laptop --scope admin --parameters /spotreel/NAME
  spotreel token create website --scope upload read`,
    )
    .action(async (name: string, options: CreateOptions) => {
      print(options, await created(name, options), (made) => made.token);
    });

  remoteCommand(token, 'list', 'list tokens, oldest first').action(async (options: RemoteOptions) => {
    const { tokens } = await clientOf(options).listTokens();
    printEach(options, tokens, ({ id, lastChars, createdAt, scopes, name }) => [
      id,
      `…${lastChars}`,
      localTime(createdAt),
      scopes.join(','),
      name,
    ]);
  });

  remoteCommand(token, 'revoke', 'end a token; it may work for another minute')
    .argument('<token-id>', 'the id that list prints')
    .action(async (id: string, options: RemoteOptions) => {
      await clientOf(options).revokeToken(id);
      print(options, { id, state: 'revoked' }, () => `${id}: revoked`);
    });
}
