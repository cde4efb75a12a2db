/** The AWS account that a laptop is, in ARNs and events. */
export const ACCOUNT = '000000000000';
