/** The stack's CloudFormation template, without the assets: nothing is bundled, nothing is downloaded. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { App } from 'aws-cdk-lib';
import { z } from 'zod';
import { SpotreelStack, type SpotreelStackProps } from '../../../lib/index.ts';

const cdkJson = z
  .object({ context: z.record(z.string(), z.unknown()) })
  .parse(JSON.parse(readFileSync(new URL('../../../cdk.json', import.meta.url), 'utf8')));

const resourceSchema = z.object({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  DependsOn: z.array(z.string()).default([]),
});
const templateSchema = z.object({ Resources: z.record(z.string(), resourceSchema) });

export type Resource = z.infer<typeof resourceSchema> & { readonly id: string };

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/**
 * An app as `cdk.json` sets it up, whose assets are left as they are in the tree. CDK's own rules are tried where
 * the real thing is synthesized: they take seconds each time.
 */
export function testApp(context: Record<string, unknown> = {}): App {
  const outdir = mkdtempSync(join(tmpdir(), 'spotreel-cdk-'));
  folders.push(outdir);
  return new App({
    outdir,
    context: {
      ...cdkJson.context,
      '@aws-cdk/core:validateAgainstDefaultRules': false,
      'aws:cdk:bundling-stacks': [],
      ...context,
    },
  });
}

/** The resources of the stack with these props. Only one stack may be made of an app. */
export function synthesize(props: SpotreelStackProps = {}, app = testApp()): Resource[] {
  const stack = new SpotreelStack(app, 'Spotreel', props);
  const { template } = app.synth().getStackArtifact(stack.artifactId);
  return Object.entries(templateSchema.parse(template).Resources).map(([id, resource]) => ({
    id,
    ...resource,
  }));
}

/**
 * A value of the template with its references spelled out as text: `Ref` and `Fn::GetAtt` as `<Id>` and
 * `<Id.Attribute>`, joined and encoded strings as strings.
 */
export function spell(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(spell);
  if (typeof value !== 'object' || value === null) return value;
  if ('Ref' in value) return `<${value.Ref}>`;
  if ('Fn::GetAtt' in value && Array.isArray(value['Fn::GetAtt']))
    return `<${value['Fn::GetAtt'].join('.')}>`;
  if ('Fn::Base64' in value) return spell(value['Fn::Base64']);
  if ('Fn::Sub' in value && typeof value['Fn::Sub'] === 'string')
    return value['Fn::Sub'].replace(/\$\{([^}]+)\}/g, '<$1>');
  if ('Fn::Join' in value) {
    const [delimiter, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(value['Fn::Join']);
    return parts.map(spell).join(delimiter);
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spell(inner)]));
}
