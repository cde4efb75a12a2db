/**
 * The policy of a POST form: what may be uploaded with it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { LARGEST } from './body.ts';
import { S3Error } from './errors.ts';

/** Fields that a policy need not mention, beside `x-ignore-...`. */
const FREE = new Set(['policy', 'x-amz-signature', 'file']);

type Condition =
  | { readonly operator: 'eq' | 'starts-with'; readonly field: string; readonly wanted: string }
  | { readonly operator: 'content-length-range'; readonly range: LengthRange };

/** Bytes that the file may have. */
export interface LengthRange {
  readonly shortest: number;
  readonly longest: number;
}

/** The conditions that one element of the policy's list stands for. Throws where it is none. */
function parseCondition(element: unknown): Condition[] {
  if (!Array.isArray(element)) {
    return Object.entries(Object(element)).map(([field, wanted]) => ({
      operator: 'eq',
      field: field.toLowerCase(),
      wanted: String(wanted),
    }));
  }
  const [operator, first, second]: unknown[] = element;
  if (operator === 'content-length-range')
    return [{ operator, range: { shortest: Number(first), longest: Number(second) } }];
  if (operator !== 'eq' && operator !== 'starts-with') throw new Error(`'${operator}' is no condition`);
  return [{ operator, field: String(first).replace(/^\$/, '').toLowerCase(), wanted: String(second) }];
}

/** When a policy ends, and its conditions. Throws `InvalidPolicyDocument`. */
function parsePolicy(base64: string): { expires: number; conditions: Condition[] } {
  try {
    const { expiration, conditions } = JSON.parse(Buffer.from(base64, 'base64').toString('utf8'));
    return { expires: Date.parse(expiration), conditions: conditions.flatMap(parseCondition) };
  } catch (cause) {
    throw new S3Error('InvalidPolicyDocument', String(cause));
  }
}

const refusal = (why: string) => new S3Error('AccessDenied', `Invalid according to Policy: ${why}`);

/**
 * Checks a form's fields (names in lower case) against its policy's conditions.
 * @returns the file's length that the policy allows
 */
export function checkPolicy(fields: ReadonlyMap<string, string>, bucket: string): LengthRange {
  const { expires, conditions } = parsePolicy(fields.get('policy') ?? '');
  if (!(expires > Date.now())) throw refusal('Policy expired.');
  const values = new Map([...fields, ['bucket', bucket]]);
  const mentioned = new Set(['bucket']);
  let range: LengthRange = { shortest: 0, longest: LARGEST };
  for (const condition of conditions) {
    if (condition.operator === 'content-length-range') {
      range = condition.range;
      continue;
    }
    const { operator, field, wanted } = condition;
    mentioned.add(field);
    const value = values.get(field) ?? '';
    if (operator === 'eq' ? value !== wanted : !value.startsWith(wanted))
      throw refusal(`Policy Condition failed: ${JSON.stringify([operator, `$${field}`, wanted])}`);
  }
  for (const name of fields.keys()) {
    if (!mentioned.has(name) && !FREE.has(name) && !name.startsWith('x-ignore-'))
      throw refusal(`Extra input fields: ${name}`);
  }
  return range;
}
