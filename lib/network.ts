/**
 * Where workers run: in a VPC of the platform's own, with public subnets, one a zone, and nothing that bills while idle; or
 * in one of the owner's. Nobody reaches them. Their own VPC has S3's gateway endpoint, and everything else goes through the
 * internet gateway; what one of the owner's must offer, docs/deploying.md says. Whether a machine has a public address is
 * the subnet's to say: public ones assign one, private ones do not.
 */
import { Fn, Validations } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { DEPLOYED } from '../jobs/platform.ts';

export interface NetworkProps {
  /** The owner's; otherwise one is made. */
  readonly vpc: ec2.IVpc | undefined;
  /** Of the owner's. */
  readonly vpcSubnets: ec2.SubnetSelection | undefined;
  /** Availability zones of the one that is made, 1 to 6. */
  readonly zones: number | undefined;
}

export class Network extends Construct {
  /** One a zone. */
  readonly subnetIds: readonly string[];
  /** No way in; the way out is HTTP (Ubuntu's packages, which carry signatures) and HTTPS. */
  readonly workerSecurityGroup: ec2.SecurityGroup;

  constructor(scope: Construct, id: string, { vpc: given, vpcSubnets, zones }: NetworkProps) {
    super(scope, id);
    const vpc = given ?? this.#ownVpc(zones ?? DEPLOYED.zones);
    const { subnetIds, isPendingLookup } = vpc.selectSubnets({
      ...(vpcSubnets ?? wayOutOf(vpc)),
      onePerAz: true,
    });
    if (subnetIds.length === 0 && isPendingLookup !== true)
      throw new Error(
        'Spotreel cannot be built: vpcSubnets selects no subnet; select one or more of the vpc’s',
      );
    this.subnetIds = subnetIds;
    this.workerSecurityGroup = new ec2.SecurityGroup(this, 'WorkerSecurityGroup', {
      vpc,
      description: 'Spotreel workers: nothing comes in, HTTP and HTTPS go out',
      allowAllOutbound: false,
    });
    for (const port of [80, 443])
      this.workerSecurityGroup.addEgressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port), 'Packages and AWS');
  }

  #ownVpc(zones: number): ec2.IVpc {
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
        'Only machines without an open port live here, while there is work; flow logs would bill for every chunk.',
    });
    // It implements the interface; CDK's types are not made for `exactOptionalPropertyTypes`.
    return vpc as ec2.IVpc;
  }
}

/** Subnets from which there is a way out; CDK's own choice would be isolated ones before public ones. */
const wayOutOf = (vpc: ec2.IVpc): ec2.SubnetSelection => ({
  subnetType: vpc.privateSubnets.length > 0 ? ec2.SubnetType.PRIVATE_WITH_EGRESS : ec2.SubnetType.PUBLIC,
});
