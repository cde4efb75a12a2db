/**
 * The functions at the edge are in the language of CloudFront's runtime, njs, which is less than that of V8, which runs them here.
 * A function with one word more is deployed, and then fails for every request.
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-20.html
 */
import { describe, expect, test } from '@jest/globals';
import { parseSync } from '@swc/core';
import { guardSource, rewriteSource } from '../../web/files.ts';

/** Nodes of swc's syntax tree that are ES 5.1, or that the page above adds to it. */
const KNOWN = new Set(
  [
    'Module ImportDeclaration ImportDefaultSpecifier',
    'FunctionDeclaration FunctionExpression ArrowFunctionExpression Parameter FunctionBody BlockStatement ReturnStatement',
    'VariableDeclaration VariableDeclarator ExpressionStatement EmptyStatement IfStatement ForStatement',
    'ForInStatement WhileStatement DoWhileStatement BreakStatement ContinueStatement LabeledStatement',
    'SwitchStatement SwitchCase ThrowStatement TryStatement CatchClause',
    'Identifier NumericLiteral StringLiteral BooleanLiteral NullLiteral RegExpLiteral TemplateLiteral TemplateElement',
    'ArrayExpression ObjectExpression KeyValueProperty MemberExpression Computed CallExpression NewExpression',
    'AssignmentExpression BinaryExpression UnaryExpression UpdateExpression ConditionalExpression',
    'ParenthesisExpression SequenceExpression ThisExpression AwaitExpression',
  ].flatMap((line) => line.split(' ')),
);

const UNKNOWN_OPERATORS = ['??', '??=', '||=', '&&='];

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** What the runtime does not know of a source. */
function unknownIn(source: string): string[] {
  const found: string[] = [];
  visit(parseSync(source, { syntax: 'ecmascript', target: 'es2022' }), undefined);
  return found;

  function visit(node: unknown, parent: Fields | undefined): void {
    if (!isFields(node)) return;
    const { type, operator } = node;
    if (typeof type === 'string') {
      if (!KNOWN.has(type)) found.push(type);
      if (node['async'] && type !== 'FunctionDeclaration') found.push('an async closure');
      // njs has none in arguments and literals; where a declaration is all that waits there is no doubt.
      if (type === 'AwaitExpression' && parent?.['type'] !== 'VariableDeclarator')
        found.push('await within an expression');
    }
    if (typeof operator === 'string' && UNKNOWN_OPERATORS.includes(operator)) found.push(operator);
    if (node['generator']) found.push('a generator');
    if (node['spread']) found.push('spread');
    for (const value of Object.values(node)) visit(value, typeof type === 'string' ? node : parent);
  }
}

test.each([
  ['guard.js', guardSource()],
  ['rewrite.js', rewriteSource()],
])('%s says nothing that the runtime does not know', (_, source) => {
  expect(unknownIn(source)).toEqual([]);
});

describe('what the runtime does not know is found', () => {
  const SOURCES = {
    'await in arguments': 'async function f() { g(await h()); }',
    'await in an object': 'async function f() { const a = { b: await h() }; }',
    'await in an array': 'async function f() { const a = [await h()]; }',
    'await in a condition': 'async function f() { if (!(await h())) g(); }',
    'for await': 'async function f() { for await (const a of b) g(a); }',
    'an async arrow': 'const f = async () => g();',
    'an async function in an expression': 'const f = async function () {};',
    'an async method': 'const a = { async b() {} };',
    'a destructured object': 'const { a } = b;',
    'a destructured array': 'const [a] = b;',
    'a destructured parameter': 'function f({ a }) {}',
    'a default of a parameter': 'function f(a = 1) {}',
    'for … of': 'for (const a of b) f(a);',
    'spread in arguments': 'f(...a);',
    'spread in an array': 'const a = [...b];',
    'spread in an object': 'const a = { ...b };',
    'optional chaining': 'const a = b?.c;',
    'an optional call': 'a?.();',
    '??': 'const a = b ?? c;',
    '??=': 'a ??= b;',
    'a class': 'class A {}',
    'a generator': 'function* f() {}',
    'a tagged template': 'f`a`;',
    'a BigInt': 'const a = 1n;',
    'a named import': "import { a } from 'b';",
  };
  test.each(Object.entries(SOURCES))('%s', (_, source) => {
    expect(unknownIn(source)).not.toEqual([]);
  });
});
