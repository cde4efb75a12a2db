/** Lambda `sweep` on a schedule: machines for tasks whose workers died. It costs a call a minute, no machine. */
import { Duration } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { SWEEP_MINUTES } from '../jobs/platform.ts';
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
    new events.Rule(this, 'Schedule', {
      schedule: events.Schedule.rate(Duration.minutes(SWEEP_MINUTES)),
      targets: [new LambdaFunction(handler, { retryAttempts: 0 })], // the next sweep is the retry
    });
  }
}
