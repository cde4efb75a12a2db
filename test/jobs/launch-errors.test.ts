/** Launch errors: what each code of CreateFleet means, and which of several explains a launch. */
import { describe, expect, test } from '@jest/globals';
import { classify, explain, LAUNCH_ERRORS, LaunchError } from '../../jobs/launch-errors.ts';

const EXPECTED = {
  'give-up': ['Blocked', 'OptInRequired'],
  configuration: [
    'AccessDenied',
    'AccessDeniedException',
    'AuthFailure',
    'AuthFailure.ServiceLinkedRoleCreationNotPermitted',
    'InvalidAMIID.Malformed',
    'InvalidAMIID.NotFound',
    'InvalidAMIID.Unavailable',
    'InvalidBlockDeviceMapping',
    'InvalidFleetConfig',
    'InvalidGroup.NotFound',
    'InvalidInstanceType',
    'InvalidLaunchTemplateId.Malformed',
    'InvalidLaunchTemplateId.NotFound',
    'InvalidLaunchTemplateId.VersionNotFound',
    'InvalidLaunchTemplateName.MalformedException',
    'InvalidLaunchTemplateName.NotFoundException',
    'InvalidParameter',
    'InvalidParameterCombination',
    'InvalidParameterValue',
    'InvalidSecurityGroupID.NotFound',
    'InvalidSnapshot.NotFound',
    'InvalidSubnetID.NotFound',
    'InvalidUserData.Malformed',
    'MissingParameter',
    'SsmAccessDenied',
    'TagPolicyViolation',
    'UnauthorizedOperation',
    'UnsupportedOperation',
  ],
  later: [
    'IdempotentParameterMismatch',
    'InstanceLimitExceeded',
    'InternalError',
    'InternalFailure',
    'MaxFleetCountExceeded',
    'PendingVerification',
    'RequestLimitExceeded',
    'ServerInternal',
    'ServiceUnavailable',
    'Unavailable',
    'VcpuLimitExceeded',
    'VolumeLimitExceeded',
  ],
  elsewhere: [
    'InsufficientAddressCapacity',
    'InsufficientFreeAddressesInSubnet',
    'InsufficientInstanceCapacity',
    'InsufficientVolumeCapacity',
    'InvalidFleetConfiguration',
    'MaxSpotInstanceCountExceeded',
    'SpotMaxPriceTooLow',
    'UnfulfillableCapacity',
    'Unsupported',
  ],
} as const;

const refusal = (code: string) => ({ code, message: `EC2 says ${code}` });

describe.each(Object.entries(EXPECTED))('%s', (kind, codes) => {
  test.each(codes)('%s', (code) => {
    expect(classify(code)).toMatchObject({ code, class: kind });
  });
});

test('a smaller request may pass where a quota refused, and only there', () => {
  expect(LAUNCH_ERRORS.filter(({ smaller }) => smaller).map(({ code }) => code)).toEqual([
    'VcpuLimitExceeded',
    'InstanceLimitExceeded',
    'VolumeLimitExceeded',
    'MaxSpotInstanceCountExceeded',
  ]);
});

test('a pool is remembered for what it lacks itself, not for a quota or because it was not tried', () => {
  expect(LAUNCH_ERRORS.filter(({ ownPool }) => ownPool).map(({ code }) => code)).toEqual([
    'InsufficientInstanceCapacity',
    'SpotMaxPriceTooLow',
    'Unsupported',
    'InsufficientFreeAddressesInSubnet',
    'InsufficientVolumeCapacity',
    'InvalidFleetConfiguration',
  ]);
  expect(LAUNCH_ERRORS.filter(({ ownPool, class: kind }) => ownPool && kind !== 'elsewhere')).toEqual([]);
});

test('the table has each code once, and none that is not tested here', () => {
  const known = LAUNCH_ERRORS.map(({ code }) => code);
  expect(known.toSorted()).toEqual(Object.values(EXPECTED).flat().toSorted());
});

test.each(LAUNCH_ERRORS)(
  '$code gives half a sentence of reason and a sentence of advice',
  ({ reason, advice }) => {
    expect(reason).toMatch(/^[^A-Z].*[^.]$|^(EC2|AWS|LAUNCH_TEMPLATES) .*[^.]$/);
    expect(advice).toMatch(/^[A-Z].*\.$/);
  },
);

test.each(['SomethingNew', 'constructor', ''])(
  'a code that the table does not know (%j) counts as passing',
  (code) => {
    expect(classify(code)).toMatchObject({ code, class: 'later' });
  },
);

describe('where pools refuse for different reasons, the launch is explained by', () => {
  test.each([
    [
      'what the owner must change',
      ['InsufficientInstanceCapacity', 'RequestLimitExceeded', 'UnauthorizedOperation'],
      2,
    ],
    ['what holds for the account', ['InsufficientInstanceCapacity', 'VcpuLimitExceeded'], 1],
    [
      'the spot quota rather than a pool',
      ['InsufficientInstanceCapacity', 'MaxSpotInstanceCountExceeded'],
      1,
    ],
    [
      'a lack of machines rather than a type that one zone does not have',
      ['InvalidFleetConfiguration', 'InsufficientInstanceCapacity'],
      1,
    ],
    [
      'a tried pool rather than those that were not tried',
      ['UnfulfillableCapacity', 'InvalidFleetConfiguration'],
      1,
    ],
    ['an unknown code rather than pools that were not tried', ['UnfulfillableCapacity', 'SomethingNew'], 1],
    ['a known code rather than an unknown one', ['SomethingNew', 'SpotMaxPriceTooLow'], 1],
    ['a lack of machines where all say no more', ['UnfulfillableCapacity', 'UnfulfillableCapacity'], 0],
  ])('%s', (_, codes, index) => {
    expect(explain(codes.map(refusal))).toMatchObject(refusal(codes[index] ?? ''));
  });
});

test('an answer with neither machine nor error is explained as such', () => {
  expect(explain([])).toMatchObject({ code: 'NoReason', class: 'later' });
});

test("a LaunchError carries code, class and advice, and says all of it with EC2's own words", () => {
  const error = new LaunchError([refusal('InvalidSubnetID.NotFound')]);
  expect(error).toMatchObject({
    name: 'LaunchError',
    code: 'InvalidSubnetID.NotFound',
    class: 'configuration',
  });
  expect(error.message).toBe(
    `No machine was launched: a subnet was deleted (InvalidSubnetID.NotFound: EC2 says InvalidSubnetID.NotFound). ${error.advice}`,
  );
});
