/**
 * SSM's Parameter Store on a laptop: put, get, list below a path, delete. Parameters are one small file, replaced whole.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/
 */
import { join } from 'node:path';
import { z } from 'zod';
import { ACCOUNT } from '../aws/account.ts';
import { listen } from '../aws/http.ts';
import { JsonApiError, jsonApiListener } from '../aws/json-api.ts';
import { JsonFile } from '../aws/json-file.ts';
import type { Authorize } from '../iam/iam.ts';
import type { Call } from '../iam/policy.ts';

export interface SsmOptions {
  /** Folder of the file; made where it is missing. One process at a time may use it. */
  readonly dataDir: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly region: string;
  /** @default everybody may do everything */
  readonly authorize?: Authorize;
}

export interface Ssm {
  readonly url: string;
  close(): Promise<void>;
}

/** Parameters of a page. */
const PAGE = 10;

const parameterSchema = z.object({
  Type: z.enum(['String', 'StringList', 'SecureString']),
  Value: z.string(),
});
const fileSchema = z.record(z.string(), parameterSchema);

const nameSchema = z.object({ Name: z.string().min(1).max(1011) });
const putSchema = nameSchema.extend({
  ...parameterSchema.shape,
  Overwrite: z.boolean().default(false),
});
const byPathSchema = z.object({ Path: z.string().startsWith('/'), NextToken: z.string().optional() });

class ParameterStore {
  readonly #file: JsonFile;
  readonly #parameters: Map<string, z.infer<typeof parameterSchema>>;

  private constructor(file: JsonFile, parameters: z.infer<typeof fileSchema>) {
    this.#file = file;
    this.#parameters = new Map(Object.entries(parameters));
  }

  static async open(dataDir: string): Promise<ParameterStore> {
    const file = new JsonFile(join(dataDir, 'parameters.json'));
    return new ParameterStore(file, fileSchema.parse((await file.read()) ?? {}));
  }

  /** Performs an action; resolves when what it did is in the file. */
  async perform(action: string, input: unknown): Promise<object> {
    switch (action) {
      case 'PutParameter':
        return this.#put(putSchema.parse(input));
      case 'GetParameter': {
        const { Name } = nameSchema.parse(input);
        return { Parameter: this.#shown(Name) };
      }
      case 'GetParametersByPath':
        return this.#page(byPathSchema.parse(input));
      case 'DeleteParameter': {
        const { Name } = nameSchema.parse(input);
        this.#shown(Name);
        this.#parameters.delete(Name);
        await this.#write();
        return {};
      }
      default:
        throw new JsonApiError('InvalidAction', `${action} is not built here`);
    }
  }

  async #put({ Name, Type, Value, Overwrite }: z.infer<typeof putSchema>): Promise<object> {
    if (this.#parameters.has(Name) && !Overwrite)
      throw new JsonApiError('ParameterAlreadyExists', `The parameter already exists: ${Name}`);
    this.#parameters.set(Name, { Type, Value });
    await this.#write();
    return { Version: 1, Tier: 'Standard' };
  }

  #shown(Name: string) {
    const parameter = this.#parameters.get(Name);
    if (!parameter) throw new JsonApiError('ParameterNotFound', `Parameter ${Name} not found.`);
    return { Name, ...parameter, Version: 1 };
  }

  #page({ Path, NextToken = '' }: z.infer<typeof byPathSchema>): object {
    const folder = Path.endsWith('/') ? Path : `${Path}/`;
    const names = [...this.#parameters.keys()]
      .filter(
        (name) => name.startsWith(folder) && !name.slice(folder.length).includes('/') && name > NextToken,
      )
      .sort();
    const page = names.slice(0, PAGE);
    return {
      Parameters: page.map((name) => this.#shown(name)),
      ...(names.length > PAGE && { NextToken: page.at(-1) }),
    };
  }

  #write(): Promise<void> {
    return this.#file.write(() => Object.fromEntries(this.#parameters));
  }
}

const namedSchema = z.object({ Name: z.string().optional(), Path: z.string().optional() });

/** The permission that an action asks for. A listing asks for its path as if that were a parameter. */
function callOf(region: string, action: string, input: unknown): Call {
  const { Name, Path } = namedSchema.parse(input);
  return {
    action: `ssm:${action}`,
    resource: `arn:aws:ssm:${region}:${ACCOUNT}:parameter${Name ?? Path}`,
  };
}

/** Starts it on the loopback interface. Rejects where the port is taken. */
export async function startSsm({ dataDir, port, region, authorize }: SsmOptions): Promise<Ssm> {
  const store = await ParameterStore.open(dataDir);
  return listen(
    port,
    jsonApiListener({
      service: 'AmazonSSM',
      authorize,
      callOf: (action, input) => callOf(region, action, input),
      perform: (action, input) => store.perform(action, input),
    }),
  );
}
