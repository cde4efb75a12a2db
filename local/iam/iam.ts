/**
 * Who asks the laptop's services, and what they may: every function and the workers sign with a key of their own, and
 * may do what `policies.json` says, which is what the synthesized stack allows them (test/lib/policies.test.ts).
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import { allows, type Call, type Grant, grantsOf, policySchema } from './policy.ts';

const functionSchema = z.enum(['dispatch', 'sweep', 'bury', 'mend', 'notify', 'api', 'authorize-live']);
export type FunctionRole = z.infer<typeof functionSchema>;

/** The roles of functions. */
export const FUNCTIONS: readonly FunctionRole[] = functionSchema.options;

/** A role of the stack that runs on a laptop. */
export type Role = FunctionRole | 'worker';

/** Each role's policy, as the grants that it is short for. */
export const policiesSchema = z.record(z.enum([...FUNCTIONS, 'worker']), policySchema.transform(grantsOf));

/** What each role may do. */
export const GRANTS: Readonly<Record<Role, readonly Grant[]>> = policiesSchema.parse(
  JSON.parse(readFileSync(new URL('policies.json', import.meta.url), 'utf8')),
);

/** The owner's key. It opens nothing but this machine's loopback ports, so neither it nor those of functions are secret. */
export const OWNER = { accessKeyId: 'local', secretAccessKey: 'local-secret' };

/**
 * Says whether the owner of an access key may do something. Services ask it before they do anything; whoever signs
 * with no key of a role may do everything.
 */
export type Authorize = (accessKeyId: string | undefined, call: Call) => boolean;

/** For services that stand alone. */
export const allowAll: Authorize = () => true;

/** What a role asked for, and whether it may. */
export interface RoleCall extends Call {
  readonly role: Role;
  readonly isAllowed: boolean;
}

export interface Iam {
  /** The key of the instances' role: temporary, as instance metadata hands it out. */
  readonly worker: Credential & { readonly sessionToken: string };
  /** The secret of a key; undefined where nobody has it. */
  credentials(accessKeyId: string): Credential | undefined;
  readonly authorize: Authorize;
}

interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A function's key. It holds over restarts: presigned URLs are made with it. */
export const functionKey = (role: FunctionRole) => ({
  accessKeyId: `local-${role}`,
  secretAccessKey: OWNER.secretAccessKey,
});

/** A function's key as the AWS SDK finds it in its environment. */
export function keyEnvironment(role: FunctionRole) {
  const { accessKeyId, secretAccessKey } = functionKey(role);
  return { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
}

/** @param onCall hears of every call of a role */
export function openIam(onCall: (call: RoleCall) => void = () => {}): Iam {
  const worker = {
    accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(20).toString('base64'),
    sessionToken: randomBytes(40).toString('base64'),
  };
  const keys: Credential[] = [OWNER, worker, ...FUNCTIONS.map(functionKey)];
  const roles = new Map<string | undefined, Role>([
    [worker.accessKeyId, 'worker'],
    ...FUNCTIONS.map((role): [string, Role] => [functionKey(role).accessKeyId, role]),
  ]);
  return {
    worker,
    credentials: (id) => keys.find(({ accessKeyId }) => accessKeyId === id),
    authorize(accessKeyId, call) {
      const role = roles.get(accessKeyId);
      if (role === undefined) return true;
      const isAllowed = GRANTS[role].some((grant) => allows(grant, call));
      if (!isAllowed) console.error(deniedMessage(role, call));
      onCall({ role, ...call, isAllowed });
      return isAllowed;
    },
  };
}

const deniedMessage = (role: Role, { action, resource, context }: Call) =>
  `IAM: the role ${role} may not ${action} ${resource} ${JSON.stringify(context ?? {})}; local/iam/policies.json says what it may`;

/** The access key that signed a request; undefined where none did. The services that ask so check no signatures. */
export function accessKeyOf({ authorization = '' }: IncomingHttpHeaders): string | undefined {
  return /^AWS4-[A-Z0-9-]+ Credential=([^/,\s]+)\//.exec(authorization)?.[1];
}
