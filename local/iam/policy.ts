/**
 * IAM's decision, as far as our policies ask for it: statements that allow, `*` in resources, and three condition
 * operators. Whatever else a policy has is refused, so that no policy is read as saying less than it does. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { z } from 'zod';

/** One use of one permission: what a request asks for, in IAM's words. */
export interface Call {
  /** `s3:GetObject` */
  readonly action: string;
  /** An ARN, or `*` where the action knows no resources. */
  readonly resource: string;
  /** What conditions may ask about: `s3:prefix`, `aws:RequestTag/...`. */
  readonly context?: Readonly<Record<string, string>>;
}

/** The least piece of a policy: one action on one pattern of resources, under one value of each condition. */
export interface Grant {
  readonly action: string;
  readonly resource: string;
  readonly conditions: readonly Condition[];
}

interface Condition {
  readonly operator: z.infer<typeof operatorSchema>;
  readonly key: string;
  readonly value: string;
}

const oneOrMore = z.union([z.string().transform((one) => [one]), z.array(z.string())]);
const operatorSchema = z.enum(['StringEquals', 'StringLike', 'ArnLike']);
const statementSchema = z.strictObject({
  Effect: z.literal('Allow'),
  Action: oneOrMore,
  Resource: oneOrMore,
  Condition: z.partialRecord(operatorSchema, z.record(z.string(), oneOrMore)).default({}),
});
export const policySchema = z.strictObject({
  Version: z.literal('2012-10-17'),
  Statement: z.array(statementSchema),
});
export type Policy = z.infer<typeof policySchema>;

/** Every grant that a policy's statements are short for: values of a list are alternatives, conditions hold all. */
export function grantsOf({ Statement }: Policy): Grant[] {
  return Statement.flatMap(({ Action, Resource, Condition }) => {
    const conditions = operatorSchema.options.flatMap((operator) =>
      Object.entries(Condition[operator] ?? {}).map(([key, values]) =>
        values.map((value): Condition => ({ operator, key, value })),
      ),
    );
    const combinations = conditions.reduce<Condition[][]>(
      (before, alternatives) => before.flatMap((some) => alternatives.map((one) => [...some, one])),
      [[]],
    );
    return Action.flatMap((action) =>
      Resource.flatMap((resource) => combinations.map((all) => ({ action, resource, conditions: all }))),
    );
  });
}

/** Whether a grant allows a call. */
export const allows = (grant: Grant, { action, resource, context = {} }: Call): boolean =>
  grant.action === action &&
  isLike(resource, grant.resource) &&
  grant.conditions.every(({ operator, key, value }) => {
    const actual = context[key];
    return actual !== undefined && (operator === 'StringEquals' ? actual === value : isLike(actual, value));
  });

/** Whether a text has the form of a pattern, whose `*` stands for any text and takes in slashes. */
function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** A grant in a line: `s3:ListBucket arn:aws:s3:::videos if s3:prefix is v/*`. */
export function spellGrant({ action, resource, conditions }: Grant): string {
  const asked = conditions.map(({ key, value }) => `${key} is ${value}`).join(' and ');
  return `${action} ${resource}${asked && ` if ${asked}`}`;
}
