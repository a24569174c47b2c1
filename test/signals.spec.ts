import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Cleanup, eventually, freePortRange, localService } from '@berth/testing';
import { gatewayProgram, listens, Program, type ProgramOptions } from '@berth/testing/system';

jest.setTimeout(120_000);

describe('signals (issue 8, C17)', () => {
  const cleanup = new Cleanup();
  afterEach(() => cleanup.run());

  /** A gateway and an agent with an answer that is half sent. */
  async function halfAnswered(options: ProgramOptions = {}) {
    let finish = (): void => undefined;
    const service = cleanup.add(
      await localService(({ url }, response) => {
        if (url !== '/half') return response.end('whole');
        finish = () => void response.end('and done');
        return response.write('begun ');
      }),
      (it) => it.close(),
    );
    const ports = await freePortRange(3);
    const gateway = cleanup.add(await gatewayProgram(ports, [], {}, options), (it) => it.program.end());
    const args = [String(service.port), '--id', 'laptop', '--gateway', `127.0.0.1:${gateway.grpcPort}`];
    const agent = cleanup.add(new Program('agent', args, {}, options), (it) => it.end());
    const [, url = '', port] = await agent.printed(/^(http:\/\/127\.0\.0\.1:(\d+)) -> /m);
    const response = await fetch(`${url}/half`);
    return {
      programs: [gateway.program, agent],
      gateway: gateway.program,
      agent,
      port: Number(port),
      /** New requests are served, so nothing has begun to end. */
      serves: async () => {
        for (let i = 0; i < 5; i += 1) expect(await (await fetch(url)).text()).toBe('whole');
      },
      answer: async () => {
        finish();
        return response.text();
      },
    };
  }

  it('SIGHUP ends the gateway in order, and another does not cut that short', async () => {
    const { gateway, port, answer } = await halfAnswered();
    gateway.kill('SIGHUP');
    await eventually(async () => !(await listens(port)));
    gateway.kill('SIGHUP');
    expect(await answer()).toBe('begun and done');
    expect(await gateway.exit).toBe(0);
  });

  it('SIGHUP ends the agent in order', async () => {
    const { agent, answer } = await halfAnswered();
    agent.kill('SIGHUP');
    expect(await answer()).toBe('begun and done');
    expect(await agent.exit).toBe(0);
  });

  it('SIGUSR1 opens no debugger, and neither it nor SIGUSR2 ends anything', async () => {
    const { programs, serves, answer } = await halfAnswered();
    for (const program of programs) {
      program.kill('SIGUSR1');
      program.kill('SIGUSR2');
      await serves();
      expect(program.stderr).not.toContain('Debugger');
    }
    expect(await answer()).toBe('begun and done');
  });

  it('SIGHUP does nothing under nohup, and SIGTERM ends in order', async () => {
    const { programs, gateway, serves, answer } = await halfAnswered({ through: ['bash', '-c', 'nohup "$@"', 'bash'] });
    for (const program of programs) program.kill('SIGHUP');
    await serves();
    expect(await answer()).toBe('begun and done');
    gateway.kill();
    expect(await gateway.exit).toBe(0);
  });

  it('SIGHUP does nothing where the shell that started it ignores it', async () => {
    const { programs, serves, answer } = await halfAnswered({ through: ['sh', '-c', 'trap "" HUP; "$@"; true', 'sh'] });
    const pids = programs.map(({ pid }) => Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')));
    for (const pid of pids) process.kill(pid, 'SIGHUP');
    await serves();
    expect(await answer()).toBe('begun and done');
    for (const pid of pids) process.kill(pid, 'SIGTERM');
    for (const program of programs) expect(await program.exit).toBe(0);
  });
});
