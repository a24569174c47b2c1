import type { AgentPool, PoolConnection } from '@berth/agent-pool';

class Worker implements PoolConnection {
  inFlight = 0;
  readonly capacity = 8;
  readonly accepting = true;
  readonly congested = false;
  readonly standby = false;

  constructor(
    readonly id: string,
    readonly origin: { instanceId: string },
    private readonly work: (job: string) => Promise<string>,
  ) {}

  run(job: string): Promise<string> {
    this.inFlight += 1;
    return this.work(job).finally(() => (this.inFlight -= 1));
  }
}

/** Runs a job on the worker that suits best. */
async function run(pool: AgentPool<Worker>, job: string): Promise<string> {
  const member = pool.pick();
  if (member === undefined) throw new Error(`no worker: ${pool.obstacle()}`);
  const beganAt = performance.now();
  member.began();
  try {
    const result = await member.connection.run(job);
    member.countAnswer(performance.now() - beganAt, performance.now());
    return result;
  } catch (error) {
    member.faulted(performance.now() - beganAt, performance.now());
    throw error;
  }
}

export { run, Worker };
