/**
 * The parameters of AWS's Query protocols: form fields whose names are paths, `Filter.1.Value.2=running`.
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */

export type QueryValue = string | QueryFields;
export interface QueryFields {
  [name: string]: QueryValue;
}

/** The fields of a form body as a tree. Where a name is both a value and a path, the later one stands. */
export function parseQuery(body: string): QueryFields {
  const root = fields();
  for (const [name, value] of new URLSearchParams(body)) {
    const path = name.split('.');
    const last = path.pop() ?? '';
    let node = root;
    for (const step of path) {
      const next = node[step];
      const child = typeof next === 'object' ? next : fields();
      node[step] = child;
      node = child;
    }
    node[last] = value;
  }
  return root;
}

/** The values of a numbered list in the order of its numbers; none where there is no list. */
export function listOf(value: QueryValue | undefined): QueryValue[] {
  if (typeof value !== 'object') return [];
  return Object.entries(value)
    .filter(([index]) => /^\d+$/.test(index))
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, item]) => item);
}

/** Without a prototype: names come from outside. */
function fields(): QueryFields {
  return Object.create(null) as QueryFields; // `create` is typed `any`; an empty object is an empty tree
}
