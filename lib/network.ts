/**
 * Where workers run: public subnets, one a zone, and nothing that bills while idle. Workers reach S3 through the
 * gateway endpoint, everything else through the internet gateway; nobody reaches them.
 */
import { Fn, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

export interface NetworkProps {
  /** Availability zones to use, 1 to 6. */
  readonly zones: number;
}

export class Network extends Construct {
  readonly vpc: ec2.IVpc;
  /** No way in; the way out is HTTP (Ubuntu's packages, which carry signatures) and HTTPS. */
  readonly workerSecurityGroup: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, { zones }: NetworkProps) {
    super(scope, id);
    const vpc = new ec2.Vpc(this, 'Vpc', {
      // CDK itself takes but two zones where it may not look up an account's.
      availabilityZones: Array.from({ length: zones }, (_, index) => Fn.select(index, Fn.getAzs())),
      natGateways: 0,
      subnetConfiguration: [{ name: 'Worker', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20 }],
      gatewayEndpoints: { S3: { service: ec2.GatewayVpcEndpointAwsService.S3 } },
      // Nothing uses the default group; emptying it takes a Lambda of its own.
      restrictDefaultSecurityGroup: false,
    });
    Validations.of(vpc).acknowledge({
      id: 'AwsSolutions-VPC7',
      reason:
        'Only workers without an open port live here, for minutes; flow logs would bill for every chunk.',
    });

    // It implements the interface; CDK's types are not made for `exactOptionalPropertyTypes`.
    this.vpc = vpc as ec2.IVpc;
    this.workerSecurityGroup = new ec2.SecurityGroup(this, 'WorkerSecurityGroup', {
      vpc: this.vpc,
      description: 'Spotreel workers: nothing comes in, HTTP and HTTPS go out',
      allowAllOutbound: false,
    });
    for (const port of [80, 443])
      this.workerSecurityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port), 'Packages and AWS');
  }
}
