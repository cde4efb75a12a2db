/** The owner's own name for the pages and videos, and a firewall before them, which are made elsewhere, in us-east-1. */
import { Token } from 'aws-cdk-lib';
import { z } from 'zod';

/** An ARN of a service in us-east-1, where CloudFront looks, or what becomes one. The last part is the resource. */
function arnIn(service: string, resource: string) {
  const arn = new RegExp(String.raw`^arn:aws[a-z-]*:${service}:us-east-1:\d{12}:${resource}/.+$`);
  return z.string().refine((text) => Token.isUnresolved(text) || arn.test(text), {
    error: ({ input }) => `is ${String(input)}; give the ARN of one in us-east-1, where CloudFront looks`,
  });
}

export const domainSchema = z.strictObject({
  name: z.hostname(),
  certificateArn: arnIn('acm', 'certificate'),
});
export type Domain = Readonly<z.infer<typeof domainSchema>>;

export const webAclArnSchema = arnIn('wafv2', 'global/webacl');
