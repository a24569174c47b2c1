import { Test } from '@nestjs/testing';
import { client, Method, Service, Services } from 'berth-services';
import { ServicesHealthIndicator } from './services-health.indicator.js';
import { ServicesModule } from './services.module.js';

@Service('Patient', { package: 'health_nest' })
class Patient {
  @Method({ stateless: true }) run(fail: boolean): void {
    if (fail) throw new Error('as asked');
  }
  @Method({ serveWithAgent: true }) work(): void {
    return;
  }
}

describe('B17: ServicesHealthIndicator', () => {
  async function application(agents: number) {
    const objects = Array.from({ length: agents }, (_, i) => ({ service: Patient, objectId: String(i) }));
    const module = await Test.createTestingModule({
      imports: [ServicesModule.forRoot({ mock: true, server: {}, services: [Patient], agents: objects })],
    }).compile();
    return module.createNestApplication({ logger: false });
  }

  it('needs no TerminusModule, and is down before the start and during the shutdown', async () => {
    const app = await application(0);
    const health = app.get(ServicesHealthIndicator);
    expect(health.isHealthy('it')).toMatchObject({ it: { status: 'down', problems: ['the application is starting'] } });
    await app.init();
    expect(health.isHealthy('it')).toEqual({
      it: { status: 'up', bus: 'up', store: 'up', server: 'running', agents: {} },
    });
    await app.close();
    const { it: after } = health.isHealthy('it');
    expect(after).toMatchObject({ status: 'down', server: 'stopped' });
    expect(after['problems']).toContain('the application is stopping');
  });

  it('is degraded above 10 % errors, and down where that was asked for', async () => {
    const app = await application(0);
    await app.init();
    const patient = client(Patient, { services: app.get(Services) });
    const health = app.get(ServicesHealthIndicator);
    for (let i = 0; i < 9; i += 1) await patient.run(false);
    await expect(patient.run(true)).rejects.toThrow();
    expect(health.isHealthy('it', { failOnWarn: true }).it.status).toBe('up');
    await expect(patient.run(true)).rejects.toThrow();
    expect(health.isHealthy('it').it).toMatchObject({
      status: 'degraded',
      warnings: ['2 of 11 calls of health_nest.Patient failed (18.2 %)'],
    });
    expect(health.isHealthy('it', { failOnWarn: true }).it.status).toBe('down');
    await app.close();
  });

  it('names ten problems at most', async () => {
    const app = await application(12);
    await app.init();
    await app.get(Services).stopAllAgents();
    const problems = app.get(ServicesHealthIndicator).isHealthy('it').it['problems'];
    expect(problems).toHaveLength(11);
    expect(problems).toEqual(expect.arrayContaining(['agent health_nest.Patient:0 is stopped', 'and 2 more']));
    await app.close();
  });
});
