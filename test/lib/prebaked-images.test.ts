/** Images that are baked before: what Image Builder is told, and what launch templates make of it. */
import { describe, expect, test } from '@jest/globals';
import { Tags } from 'aws-cdk-lib';
import { z } from 'zod';
import { PLATFORM_TAG } from '../../jobs/environment.ts';
import { type Resource, spell, synthesize, testApp } from './support/template.ts';

const plain = synthesize();
const resources = synthesize({ prebakedImage: true });
const ofType = (type: string, of: readonly Resource[] = resources) =>
  of.filter(({ Type }) => Type === `AWS::${type}`);
const imagesBuilt = ofType('ImageBuilder::Image');
const spelled = ({ Properties }: Resource) => z.record(z.string(), z.unknown()).parse(spell(Properties));

const launchDataSchema = z.object({ LaunchTemplateData: z.looseObject({ ImageId: z.string() }) });
const launchDataOf = (of: readonly Resource[]) =>
  of
    .filter(({ Type }) => Type === 'AWS::EC2::LaunchTemplate')
    .map((template) => launchDataSchema.parse(spelled(template)).LaunchTemplateData);

test('by default there is none', () => {
  expect(plain.filter(({ Type }) => Type.startsWith('AWS::ImageBuilder'))).toEqual([]);
});

describe('a launch template', () => {
  test('names the image of its architecture', () => {
    expect(launchDataOf(resources).map(({ ImageId }) => ImageId)).toEqual(
      imagesBuilt.map(({ id }) => `<${id}.ImageId>`),
    );
    expect(imagesBuilt.map(({ id }) => /arm64|x8664/.exec(id)?.[0])).toEqual(['arm64', 'x8664']);
  });

  test('is otherwise as without: a machine whose image lacks anything installs it', () => {
    const rest = (of: readonly Resource[]) => launchDataOf(of).map(({ ImageId, ...others }) => others);
    expect(rest(resources)).toEqual(rest(plain));
  });

  test('needs no parameter, and nobody may read one for it', () => {
    const policies = ofType('IAM::Policy').filter(({ id }) => /Dispatch|Sweep/.test(id));
    expect(JSON.stringify(policies)).not.toContain('ssm:GetParameters');
    expect(JSON.stringify(ofType('IAM::Policy', plain))).toContain('ssm:GetParameters');
  });
});

describe('an image', () => {
  const recipes = ofType('ImageBuilder::ImageRecipe').map(spelled);
  const components = ofType('ImageBuilder::Component').map(spelled);

  test('is made of the Ubuntu that is current when the stack is deployed', () => {
    for (const recipe of recipes) {
      const parent = /^<(.*)>$/.exec(String(recipe['ParentImage']))?.[1];
      expect(parent).toMatch(/^SsmParameterValueawsservicecanonicalubuntu/);
    }
  });

  test('is named by all that is in it, for Image Builder changes nothing that is made', () => {
    expect(components).toHaveLength(2);
    for (const [index, { Name }] of components.entries()) {
      expect(Name).toMatch(/^[a-z0-9-]+-(arm64|x86_64)-[0-9a-f]{16}$/);
      expect(recipes[index]?.['Name']).toBe(`${Name}-${recipes[index]?.['ParentImage']}`);
      // 21 characters of `ami-…` stand for the reference.
      expect(String(Name).length + 1 + 21).toBeLessThanOrEqual(128);
    }
  });

  const componentNames = (of: readonly Resource[]) =>
    ofType('ImageBuilder::Component', of).map(({ Properties }) => Properties['Name']);

  test('keeps its name in each synthesis, whatever is set of its platform', () => {
    const settings = { prebakedImage: true, maxVcpus: 8, idleSeconds: 600 };
    expect(componentNames(synthesize(settings))).toEqual(componentNames(resources));
  });

  test('has another name where it has something else in it', () => {
    const transcribe = { engine: 'pocketsphinx', language: 'en' };
    const others = componentNames(synthesize({ prebakedImage: true, encodeSettings: { transcribe } }));
    expect(others.filter((name) => componentNames(resources).includes(name))).toEqual([]);
  });

  test('keeps its component and recipe when its owner tags everything anew: a tag would replace them by their likes', () => {
    const app = testApp();
    Tags.of(app).add('team', 'films');
    const tagged = synthesize({ prebakedImage: true }, app);
    for (const type of ['ImageBuilder::Component', 'ImageBuilder::ImageRecipe'])
      expect(ofType(type, tagged)).toEqual(ofType(type));
  });

  test('is deleted, with its snapshot, when another takes its place', () => {
    for (const { Properties, DeletionPolicy } of imagesBuilt) {
      expect(spell(Properties['DeletionSettings'])).toEqual({
        ExecutionRole: expect.stringMatching(/^<PlatformWorkersImagesRemover\w+\.Arn>$/),
      });
      expect(DeletionPolicy).toBeUndefined(); // to retain it would keep the AMI, too
    }
  });

  test('waits for the permissions of its roles, and for the way out of their network', () => {
    for (const { DependsOn } of imagesBuilt)
      for (const id of [/ImagesBakerDefaultPolicy/, /ImagesRemoverDefaultPolicy/, /NetworkVpc.*DefaultRoute/])
        expect(DependsOn).toContainEqual(expect.stringMatching(id));
  });

  test('fits, with its steps, into the 16,000 characters that Image Builder takes', () => {
    for (const { Data } of components) expect(String(Data).length + 1000).toBeLessThan(16_000);
  });

  test('is told nothing that Image Builder would fill in', () => {
    for (const { Data } of components) expect(Data).not.toContain('{{');
  });

  test('has but one step, the script, in the form that Image Builder’s documents have', () => {
    for (const { Data } of components) {
      const [head, ...lines] = String(Data)
        .split('- |\n')
        .flatMap((part, index) => (index === 0 ? [part] : part.split('\n')));
      expect(head?.split(/\s+/).join(' ')).toBe(
        "schemaVersion: '1.0' phases: - name: build steps: - name: Install action: ExecuteBash inputs: commands: ",
      );
      expect(lines[0]).toBe(`${' '.repeat(8)}#!/bin/bash`);
      expect(lines.filter((line) => line !== '' && !line.startsWith(' '.repeat(8)))).toEqual([]);
    }
  });
});

describe('the machine that makes it', () => {
  const infrastructure = ofType('ImageBuilder::InfrastructureConfiguration').map(spelled);

  test('gives its credentials to no proxied request, has no way in, and ends whatever becomes of it', () => {
    for (const properties of infrastructure)
      expect(properties).toMatchObject({
        InstanceMetadataOptions: { HttpTokens: 'required', HttpPutResponseHopLimit: 1 },
        SecurityGroupIds: [expect.stringMatching(/^<PlatformNetworkWorkerSecurityGroup/)],
        TerminateInstanceOnFailure: true,
      });
    for (const properties of infrastructure) expect(properties).not.toHaveProperty('KeyPair');
  });

  test('is of the smallest types of its architecture', () => {
    const types = z.array(z.string());
    const [arm64, x86] = infrastructure.map(({ InstanceTypes }) => types.parse(InstanceTypes));
    expect(arm64).toEqual(expect.arrayContaining(['c7g.large', 'c8g.large']));
    expect(x86).toEqual(expect.arrayContaining(['c7a.large', 'c7i.large']));
    expect([...(arm64 ?? []), ...(x86 ?? [])].filter((type) => !type.endsWith('.large'))).toEqual([]);
  });

  test('has no tag by which mend would take it for a worker', () => {
    for (const properties of infrastructure)
      expect(JSON.stringify(properties['ResourceTags'] ?? {})).not.toContain(PLATFORM_TAG);
  });

  test('may not read parameters, for there the secrets of the API are, nor anything of the platform’s buckets', () => {
    const [policy] = ofType('IAM::Policy').filter(({ id }) => id.includes('ImagesBaker'));
    const text = JSON.stringify(spell(policy?.Properties));
    expect(text).not.toMatch(/ssm:Get|Storage/);
  });
});
