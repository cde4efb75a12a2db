/** A platform for a film club, inside a CDK app of one's own: its videos in one stack, what works on them in another. */
import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { Rule } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Spotreel, SpotreelStateStack } from 'spotreel';

const app = new App();
const state = new SpotreelStateStack(app, 'FilmsState');
const stack = new Stack(app, 'Films');

const films = new Spotreel(stack, 'Video', {
  state,
  maxVcpus: 64, // ask Service Quotas for as many spot vCPUs first
  corsOrigins: ['https://films.example.org'],
  encodeSettings: { preset: 'fast' },
});

// The club hears of every film that is ready: subscribe to the topic.
const news = new Topic(stack, 'News', { displayName: 'New films', enforceSSL: true });
new Rule(stack, 'Ready', {
  eventPattern: { source: ['spotreel'], detailType: ['video.ready'] },
  targets: [new SnsTopic(news)],
});

new CfnOutput(stack, 'Pages', { value: `https://${films.playbackDomain}` });
new CfnOutput(stack, 'Parameters', { value: films.apiParameters });
