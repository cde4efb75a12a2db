/** The platform as a stack of its own, with what its owner wants to know as outputs. */
import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { Spotreel, type SpotreelProps } from './spotreel.ts';

export class SpotreelStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { stack, ...props }: SpotreelProps & { stack?: StackProps } = {},
  ) {
    super(scope, id, { description: 'Spotreel: uploads in, adaptive HLS out', ...stack });
    const platform = new Spotreel(this, 'Platform', props);
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
