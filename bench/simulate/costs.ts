/** What a run cost, in dollars, by what is billed. Storage and playback are not in it: they are not encoding's. */
import { A } from './assumptions.ts';
import { requestsOf, sum } from './requests.ts';
import type { Result } from './simulation.ts';

export function costsOf({ steps, fleet, dispatch }: Result): Readonly<Record<string, number>> {
  const puts = sum(
    requestsOf(
      steps,
      'uploads/ writes',
      'jobs/ writes',
      'jobs/ lists',
      'capacity/ writes',
      'v/ writes',
      'v/ lists',
    ),
  );
  const gets = sum(requestsOf(steps, 'uploads/ reads', 'jobs/ reads', 'capacity/ reads'));
  const tasks = sum(requestsOf(steps, 'tasks queue'));
  const messages = tasks + sum(requestsOf(steps, 'uploads queue'));
  return {
    'spot machines': fleet.spot,
    'disks (gp3)': fleet.machineHours * A.diskGigabytes * A.diskPrice,
    'public IPv4 addresses': fleet.machineHours * A.addressPrice,
    'S3 PUT and LIST': puts * A.putPrice,
    'S3 GET and HEAD': gets * A.getPrice,
    'SQS requests': messages * A.sqsPrice + tasks * A.fairPrice,
    Lambda:
      sum(requestsOf(steps, 'Lambda')) * A.lambdaPrice +
      dispatch.callSeconds * A.lambdaGigabytes * A.lambdaSecond,
  };
}
