/** Renders `worker-scripts/bootstrap.sh`, the user data of a worker's machine. */
import { readFileSync } from 'node:fs';
import { programFile } from '../jobs/program-file.ts';
import { encodeSettingsSchema } from '../video/settings.ts';

const TEMPLATE = programFile('worker-scripts/bootstrap.sh');

/** Bytes of user data, before base64, that EC2 takes: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html */
export const USER_DATA_LIMIT_BYTES = 16 * 1024;

/** What stands between double @s in the script; values may hold CDK tokens. */
export interface UserDataValues {
  /** Seconds after which the machine powers off whatever it does. */
  readonly MAX_LIFETIME_SECONDS: string;
  readonly REGION: string;
  /** S3 URL of the worker program, one ES module. */
  readonly WORKER_URL: string;
  /** S3 URL of the npm package that holds the `node` binary. */
  readonly NODE_URL: string;
  readonly NODE_SHA256: string;
  /** Debian packages of the program that recognises speech, `''` for none. */
  readonly SPEECH_PACKAGES: string;
  /** The worker's environment: lines of `NAME='value'`, see `environmentFile`. */
  readonly WORKER_ENVIRONMENT: string;
}

/**
 * Variables in the form of systemd's `EnvironmentFile=`, one a line, sorted by name. Throws an `Error` that names
 * the variable whose value no quoting can carry there.
 */
export function environmentFile(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      if (/['\r\n]/.test(value))
        throw new Error(
          `${name} holds a quote or a line break, which a worker's environment cannot: ${value}`,
        );
      return `${name}='${value}'`;
    })
    .join('\n');
}

/** Packages by what recognises speech, as Debian and its children name them. */
const SPEECH_PACKAGES = { pocketsphinx: 'pocketsphinx pocketsphinx-en-us', whisper: 'whisper.cpp' } as const;

/** The packages that these encode settings need, `''` for none. */
export function speechPackages(encodeSettings: Readonly<Record<string, unknown>>): string {
  const { transcribe } = encodeSettingsSchema.parse(encodeSettings);
  return transcribe ? SPEECH_PACKAGES[transcribe.engine] : '';
}

/** Fills in a script. Throws an `Error` that names a placeholder without a value or a value without a placeholder. */
export function fillIn(script: string, values: Readonly<Record<string, string>>): string {
  const unused = new Set(Object.keys(values));
  const filled = script.replace(/@@(\w+)@@/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`The script asks for @@${name}@@, which has no value`);
    unused.delete(name);
    return value;
  });
  if (unused.size > 0) throw new Error(`The script has no @@${[...unused].join('@@, @@')}@@`);
  return filled;
}

/** The user data that starts a worker with these values. */
export function renderUserData(values: UserDataValues): string {
  return fillIn(readFileSync(TEMPLATE, 'utf8'), { ...values });
}
