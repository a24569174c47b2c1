import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { owning, eventually, freePortRange, localService } from '@berth/testing';
import { gatewayProgram, listens, Program, type ProgramOptions, urlOf } from '@berth/testing/system';

jest.setTimeout(120_000);

describe('signals', () => {
  /** A gateway and an agent with an answer that is half sent. */
  async function halfAnswered(options: ProgramOptions = {}) {
    await using stack = new AsyncDisposableStack();
    let finish = (): void => undefined;
    const service = stack.use(
      await localService(({ url }, response) => {
        if (url !== '/half') return response.end('whole');
        finish = () => void response.end('and done');
        return response.write('begun ');
      }),
    );
    const ports = await freePortRange(3);
    const gateway = stack.use(await gatewayProgram(ports, [], {}, options));
    const args = [String(service.port), '--id', 'laptop', '--gateway', `127.0.0.1:${gateway.grpcPort}`];
    const agent = stack.use(new Program('agent', args, {}, options));
    const { url, port } = await urlOf(agent);
    const response = await fetch(`${url}/half`);
    return owning(
      {
        programs: [gateway.program, agent],
        gateway: gateway.program,
        agent,
        port,
        /** New requests are served, so nothing has begun to end. */
        serves: async () => {
          for (let i = 0; i < 5; i += 1) expect(await (await fetch(url)).text()).toBe('whole');
        },
        answer: async () => {
          finish();
          return response.text();
        },
      },
      stack,
    );
  }

  it('SIGHUP has the gateway look its settings up again, and does not cut its end short', async () => {
    await using setup = await halfAnswered();
    const { gateway, port, serves, answer } = setup;
    gateway.kill('SIGHUP');
    await gateway.printed(/(settings were looked up again)/);
    await serves();
    gateway.kill();
    await eventually(async () => !(await listens(port)));
    gateway.kill('SIGHUP');
    expect(await answer()).toBe('begun and done');
    expect(await gateway.exit).toBe(0);
  });

  it('SIGHUP has an agent without a terminal look at its settings again, and ends nothing', async () => {
    await using setup = await halfAnswered({ through: ['setsid'] });
    const { agent, serves, answer } = setup;
    for (let i = 0; i < 2; i += 1) {
      agent.kill('SIGHUP');
      await agent.until('as many looks', 5000, () =>
        agent.output.split('settings are as they were').length > i + 1 ? true : undefined,
      );
    }
    await serves();
    expect(await answer()).toBe('begun and done');
    agent.kill();
    expect(await agent.exit).toBe(0);
  });

  it('SIGUSR1 opens no debugger, and neither it nor SIGUSR2 ends anything', async () => {
    await using setup = await halfAnswered();
    const { programs, serves, answer } = setup;
    for (const program of programs) {
      program.kill('SIGUSR1');
      program.kill('SIGUSR2');
      await serves();
      expect(program.stderr).not.toContain('Debugger');
    }
    expect(await answer()).toBe('begun and done');
  });

  it('SIGHUP does nothing under nohup, and SIGTERM ends in order', async () => {
    await using setup = await halfAnswered({ through: ['bash', '-c', 'nohup "$@"', 'bash'] });
    const { programs, gateway, serves, answer } = setup;
    for (const program of programs) program.kill('SIGHUP');
    await serves();
    expect(await answer()).toBe('begun and done');
    gateway.kill();
    expect(await gateway.exit).toBe(0);
  });

  it('SIGHUP does nothing where the shell that started it ignores it', async () => {
    await using setup = await halfAnswered({ through: ['sh', '-c', 'trap "" HUP; "$@"; true', 'sh'] });
    const { programs, serves, answer } = setup;
    const pids = programs.map(({ pid }) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')));
    for (const pid of pids) process.kill(pid, 'SIGHUP');
    await serves();
    expect(await answer()).toBe('begun and done');
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    for (const program of programs) expect(await program.exit).toBe(0);
  });
});
