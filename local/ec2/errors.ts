/** EC2's errors, with the codes of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html */

const STATUS = {
  DryRunOperation: 412,
  IdempotentParameterMismatch: 400,
  'InvalidInstanceID.NotFound': 400,
  InvalidAction: 400,
  InvalidParameterValue: 400,
  MissingParameter: 400,
  UnauthorizedOperation: 403,
} as const;

export class Ec2Error extends Error {
  readonly code: keyof typeof STATUS;
  readonly status: number;

  constructor(code: keyof typeof STATUS, message: string) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = STATUS[code];
  }
}
