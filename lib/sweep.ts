/**
 * Lambda `sweep` on a schedule, and when EC2 tells of a machine that leaves: machines for tasks whose workers died.
 * It costs a call a minute, no machine.
 */
import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { MACHINE_EVENTS, SWEEP_MINUTES } from '../jobs/platform.ts';
import { Launcher, type LauncherProps } from './launcher.ts';

export class Sweep extends Construct {
  constructor(scope: Construct, id: string, props: LauncherProps) {
    super(scope, id);
    const code = {
      description: 'Spotreel: machines for tasks that wait without any',
      entry: 'sweep.ts',
      permissions: [],
    };
    const { handler } = new Launcher(this, 'Launcher', code, props);
    // The next sweep is the retry: neither EventBridge nor Lambda repeats one.
    handler.configureAsyncInvoke({ retryAttempts: 0 });
    const targets = [new LambdaFunction(handler, { retryAttempts: 0 })];
    new events.Rule(this, 'Schedule', {
      schedule: events.Schedule.rate(Duration.minutes(SWEEP_MINUTES)),
      targets,
    });
    for (const { name, detailType, states } of MACHINE_EVENTS)
      new events.Rule(this, name, {
        eventPattern: {
          source: ['aws.ec2'],
          detailType: [detailType],
          ...(states && { detail: { state: [...states] } }),
        },
        targets,
      });
  }
}
