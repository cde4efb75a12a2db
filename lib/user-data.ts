/**
 * Renders the scripts of a worker's machine: `install.sh`, which takes most of a boot, within `bootstrap.sh`, the user data, or
 * within `bake.sh`, of which Image Builder makes an image that has it all.
 */
import { readFileSync } from 'node:fs';
import { programFile } from '../jobs/program-file.ts';
import { encodeSettingsSchema } from '../video/settings.ts';
import { contentHash } from './content-hash.ts';

const scriptOf = (name: string) => readFileSync(programFile(`worker-scripts/${name}`), 'utf8');

/** Bytes of user data, before base64, that EC2 takes: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/user-data.html */
export const USER_DATA_LIMIT_BYTES = 16 * 1024;

/** What `install.sh` is told; values may hold CDK tokens. */
export interface InstallationValues {
  readonly REGION: string;
  /** S3 URL of the worker program, one ES module. */
  readonly WORKER_URL: string;
  /** S3 URL of the npm package that holds the `node` binary. */
  readonly NODE_URL: string;
  readonly NODE_SHA256: string;
  /** Debian packages of the program that recognises speech, `''` for none. */
  readonly SPEECH_PACKAGES: string;
}

/** What is installed on a machine. */
export interface Installation {
  readonly script: string;
  /** Another for all that is another in the script: worker, Node, packages, and how they are installed. */
  readonly hash: string;
}

/** What `bootstrap.sh` is told besides. */
export interface UserDataValues {
  /** Seconds after which the machine powers off whatever it does. */
  readonly MAX_LIFETIME_SECONDS: string;
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

/**
 * What is to be installed.
 * @param contentOf resolves what the values hold of CDK's tokens
 */
export function installationOf(
  values: InstallationValues,
  contentOf: (script: string) => unknown = (script) => script,
): Installation {
  const script = fillIn(scriptOf('install.sh'), { ...values }).trimEnd();
  return { script, hash: contentHash(contentOf(script)) };
}

/** By this file a machine knows that its image has an installation; its age is the image's. */
export const stampOf = ({ hash }: Installation) => `/opt/spotreel/baked-${hash}`;

/** The user data that starts a worker, and installs it before where the machine's image has it not. */
export const renderUserData = (installation: Installation, values: UserDataValues): string =>
  fillIn(scriptOf('bootstrap.sh'), {
    ...values,
    INSTALL: installation.script,
    STAMP: stampOf(installation),
  });

/** What makes a machine one of whose disk an image can be made. */
export const renderBake = (installation: Installation): string =>
  fillIn(scriptOf('bake.sh'), { INSTALL: installation.script, STAMP: stampOf(installation) });
