import { getJson } from './http.js';
import type { Processes, Running } from './processes.js';
import { compiled } from './repository.js';

const READY_MS = 15_000;

/** What the policy agent of a benchmark looks at; see programs/policy-agent.ts. */
export type Looks = 'heads' | 'bodies' | 'rules';

/** Starts a policy agent. @param where host:port, unix:<path>, or tcp://host:port to dial */
export async function startJudge(processes: Processes, where: string, looks: Looks): Promise<Running> {
  const judge = processes.node('policy agent', compiled('bench/dist/programs/policy-agent.js'), [where, looks]);
  await judge.says(/(ready)\n/, READY_MS);
  return judge;
}

/** Waits until the gateway has connections to a policy agent. */
export async function judgeIsThere(gateway: Running, admin: number, name: string): Promise<void> {
  await gateway.until(`policy agent ${name}`, READY_MS, async () => {
    const shown = (await getJson(`http://127.0.0.1:${admin}/policy-agents/${name}`)) as
      { readonly connections?: readonly unknown[] } | undefined;
    return (shown?.connections?.length ?? 0) > 0 || undefined;
  });
}
