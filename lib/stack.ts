/** The platform as a stack of its own, with what its owner wants to know as outputs. */
import { Annotations, CfnOutput, Fn, Stack, type StackProps } from 'aws-cdk-lib';
import { Subnet, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';
import type { VpcIds } from '../jobs/vpc-ids.ts';
import { Spotreel, type SpotreelProps } from './spotreel.ts';

export interface SpotreelStackProps extends SpotreelProps {
  /** What any stack may be told. */
  readonly stack?: StackProps;

  /**
   * Instead of `vpc` and `vpcSubnets`: ids of a VPC and of its subnets, one a zone.
   *
   * @default - none
   */
  readonly vpcIds?: VpcIds;
}

export class SpotreelStack extends Stack {
  constructor(scope: Construct, id: string, { stack, vpcIds, ...props }: SpotreelStackProps = {}) {
    super(scope, id, { description: 'Spotreel: uploads in, adaptive HLS out', ...stack });
    const platform = new Spotreel(this, 'Platform', { ...props, ...(vpcIds && vpcOf(this, vpcIds)) });
    const outputs = {
      UploadBucket: platform.uploadBucket.bucketName,
      ProductionBucket: platform.productionBucket.bucketName,
      AlarmTopic: platform.alarmTopic.topicArn,
      TasksQueueUrl: platform.tasksQueue.queueUrl,
      DistributionDomain: platform.distributionDomain,
      PlaybackUrl: `https://${platform.playbackDomain}`,
      ApiUrl: `https://${platform.playbackDomain}/api`,
      ApiParameters: platform.apiParameters,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }
}

/** CDK wants to know a zone of every VPC; nothing here asks for it. */
const A_ZONE = Fn.select(0, Fn.getAzs());

/** A VPC by ids alone. Nothing asks for the zones or route tables of its subnets, which CDK then does not know. */
function vpcOf(scope: Construct, { vpcId, subnetIds }: VpcIds): Pick<SpotreelProps, 'vpc' | 'vpcSubnets'> {
  const subnets = subnetIds.map((subnetId) => Subnet.fromSubnetId(scope, subnetId, subnetId));
  for (const subnet of subnets)
    Annotations.of(subnet).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId');
  return {
    vpc: Vpc.fromVpcAttributes(scope, vpcId, { vpcId, availabilityZones: [A_ZONE] }),
    vpcSubnets: { subnets },
  };
}
