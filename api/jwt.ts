/** Why a JWT is not taken, told in words of ours. */
import { errors } from 'jose';
import { ProblemError } from './problems.ts';

const REASONS: Readonly<Record<string, string>> = {
  [errors.JWTExpired.code]: 'it has expired',
  [errors.JWSSignatureVerificationFailed.code]: 'its signature does not hold',
  [errors.JOSEAlgNotAllowed.code]: 'its algorithm is not taken',
  [errors.JWKSNoMatchingKey.code]: 'its issuer publishes no such key',
};

/** The refusal of a token that could not be verified. @param what the token that it should have been */
export function refusalOf(what: string, error: unknown): ProblemError {
  const { code = '' } = error instanceof errors.JOSEError ? error : {};
  const reason =
    error instanceof errors.JWTClaimValidationFailed
      ? `its claim '${error.claim}' is not as it should be`
      : (REASONS[code] ?? 'it is malformed');
  return new ProblemError('unauthenticated', `The ${what} is no good: ${reason}`);
}

/** Whether a token could not be verified because its issuer's keys could not be had. */
export function areKeysAway(error: unknown): boolean {
  if (!(error instanceof errors.JOSEError)) return true; // `fetch` failed
  const codes: readonly string[] = [errors.JWKSTimeout.code, errors.JWKSInvalid.code, errors.JOSEError.code];
  return codes.includes(error.code);
}
