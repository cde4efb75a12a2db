/** A domain of one's own and a firewall reach CloudFront, and mistakes in them are found before anything is made. */
import { expect, test } from '@jest/globals';
import { deployment } from './support/deployment.ts';

const CERTIFICATE = 'arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555';
const WEB_ACL =
  'arn:aws:wafv2:us-east-1:123456789012:global/webacl/films/11111111-2222-3333-4444-555555555555';
const domain = { name: 'video.example.org', certificateArn: CERTIFICATE };

test('the distribution answers to the domain by its certificate, behind the firewall', () => {
  const platform = deployment({ domain: JSON.stringify(domain), webAcl: WEB_ACL }).find(
    ({ name }) => name === 'Spotreel',
  );
  const distributions = Object.values(platform?.Resources ?? {}).filter(
    ({ Type }) => Type === 'AWS::CloudFront::Distribution',
  );
  expect(distributions.map(({ Properties }) => Properties['DistributionConfig'])).toEqual([
    expect.objectContaining({
      Aliases: ['video.example.org'],
      ViewerCertificate: {
        AcmCertificateArn: CERTIFICATE,
        MinimumProtocolVersion: 'TLSv1.2_2021',
        SslSupportMethod: 'sni-only',
      },
      WebACLId: WEB_ACL,
    }),
  ]);
  expect(platform?.Outputs['PlaybackUrl']?.Value).toBe('https://video.example.org');
});

test.each([
  [{ domain: { ...domain, name: 'https://video.example.org' } }, /domain\.name/],
  [{ domain: { ...domain, certificateArn: CERTIFICATE.replace('us-east-1', 'eu-west-1') } }, /in us-east-1/],
  [{ webAcl: WEB_ACL.replace('global', 'regional') }, /webAcl: is arn:aws:wafv2.*in us-east-1/],
])('%j is refused', (context, message) => {
  expect(() => deployment(context)).toThrow(message);
});
