/** The part of docs/roles.md that is made of the policies. */
import type { Grant } from '../../../local/iam/policy.ts';

/** What people call resources. */
const NAMES: ReadonlyArray<readonly [arn: RegExp, name: string]> = [
  [/^arn:aws:s3:::spotreel-(uploads|production)\/(.*)$/, '$1: `$2`'],
  [/^arn:aws:s3:::spotreel-(uploads|production)$/, '$1'],
  [/^arn:aws:s3:::assets\/own\.zip$/, 'its program and Node, as assets'],
  [/^arn:aws:sqs:.*:(.*)$/, 'queue `$1`'],
  [/^arn:aws:logs:.*$/, 'its log group'],
  [/^arn:aws:(ec2|ssm|iam|iot|events|cloudfront):[^:]*:[^:]*:(.*)$/, '$1: `$2`'],
  [/^\*$/, 'no resource'],
];

const nameOf = (arn: string): string => {
  const [pattern, name] = NAMES.find(([known]) => known.test(arn)) ?? [];
  if (!pattern || name === undefined) throw new Error(`Say in test/lib/support/roles-page.ts what ${arn} is`);
  return arn.replace(pattern, name);
};

/** The place that a grant is about: the resource, and what must hold besides. */
function placeOf({ resource, conditions }: Grant): string {
  const asked = conditions.map(({ key, value }) =>
    key === 's3:prefix' ? `keys \`${value}\`` : `\`${key}\` is \`${value}\``,
  );
  return [nameOf(resource), ...asked].join(', ');
}

/** A section a role, a row a place. */
export function rolesPage(grantsByRole: Readonly<Record<string, readonly Grant[]>>): string {
  return Object.entries(grantsByRole)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([role, grants]) => {
      const rows = [...Map.groupBy(grants, placeOf)].toSorted(([a], [b]) => a.localeCompare(b));
      const lines = rows.map(
        ([place, all]) => `| ${place} | ${[...new Set(all.map(({ action }) => action))].sort().join(' ')} |`,
      );
      return [`### ${role}`, '', '| on | may |', '|---|---|', ...lines, ''].join('\n');
    })
    .join('\n');
}
