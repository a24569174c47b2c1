import { Integer, MAX_MS, Switch } from '@berth/config';

/** Which replicas of an agent are taken out for a while, because they fail or are slow beside the others. */
export class OutlierSettings {
  @Switch({ description: 'Replicas that fail or are slow beside the others get nothing for a while.' })
  enabled = true;

  @Integer(1, 1_000_000, { description: 'Requests of the last seconds below which a replica is not judged.' })
  minRequests = 20;

  @Integer(1, 100, { unit: '%', description: 'Part of its requests that fail, from which on a replica is taken out.' })
  errorPercent = 50;

  @Switch({
    description:
      'Answers of the local service with a status of 500 or more count as failures too, here and in a row; off: they are answers.',
  })
  count5xx = false;

  @Integer(2, 1000, { description: "How many times slower than the others' median a replica may answer." })
  latencyFactor = 5;

  @Integer(0, MAX_MS, { description: 'Mean time until the head of the answer below which no replica counts as slow.' })
  latencyFloorMs = 100;

  @Integer(1, MAX_MS, {
    description: 'First time out; it doubles with each one in a row, and ends when the replica answers a ping.',
  })
  ejectMs = 10_000;

  @Integer(1, MAX_MS, { description: 'Longest time out; one that stays in for so long begins anew.' })
  maxEjectMs = 300_000;
}
