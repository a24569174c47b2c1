import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

interface Service {
  build: { context: string; target?: string };
  environment?: Record<string, string>;
  secrets?: string[];
  networks: string[] | Record<string, { ipv4_address?: string }>;
  ports?: string[];
  read_only: boolean;
  cap_drop: string[];
}
interface Compose {
  services: Record<'gateway' | 'agent' | 'sample', Service>;
  secrets: Record<string, { file: string }>;
  networks: Record<string, { internal?: boolean; ipam?: { config: { subnet: string }[] } } | null>;
}

const top = parse(readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')) as { include: string[] };
const file = join(ROOT, top.include[0] ?? '');
const { services, secrets, networks } = parse(readFileSync(file, 'utf8'), { merge: true }) as Compose;
const networksOf = ({ networks: all }: Service): string[] => (Array.isArray(all) ? all : Object.keys(all));

describe('deploy/compose', () => {
  it('keeps agents off the network on which the admin port listens', () => {
    const { gateway } = services;
    const { admin } = gateway.networks as Record<string, { ipv4_address?: string }>;
    expect(admin?.ipv4_address).toBe(gateway.environment?.['HTTP_HOST']);
    const subnet = networks['admin']?.ipam?.config[0]?.subnet ?? '';
    expect(admin?.ipv4_address?.startsWith(subnet.replace(/0\/24$/, ''))).toBe(true);
    for (const other of [services.agent, services.sample]) expect(networksOf(other)).not.toContain('admin');
  });

  it('lets nobody but its agent reach the service, and publishes the admin port on this machine alone', () => {
    const { gateway, agent, sample } = services;
    expect(networksOf(gateway).filter((network) => networksOf(sample).includes(network))).toEqual([]);
    expect(networksOf(agent)).toEqual(expect.arrayContaining(networksOf(sample)));
    for (const name of ['tunnel', 'inside']) expect(networks[name]).toMatchObject({ internal: true });
    expect([agent.ports, sample.ports]).toEqual([undefined, undefined]);
    expect(gateway.ports?.filter((port) => port.endsWith(':8080'))).toEqual(['127.0.0.1:8080:8080']);
  });

  it('gives each program its secrets as files, and nothing that it could write to', () => {
    for (const { environment = {}, secrets: own = [], read_only, cap_drop } of Object.values(services)) {
      const read = Object.values(environment).filter((value) => value.startsWith('/run/secrets/'));
      expect(read.sort()).toEqual(own.map((secret) => `/run/secrets/${secret}`).sort());
      for (const secret of own) expect(secrets[secret]?.file).toBeDefined();
      expect([read_only, cap_drop]).toEqual([true, ['ALL']]);
    }
  });

  it('builds targets that the Dockerfile has', () => {
    for (const { build } of Object.values(services)) {
      const dockerfile = readFileSync(join(resolve(dirname(file), build.context), 'Dockerfile'), 'utf8');
      expect(dockerfile).toContain(` AS ${build.target ?? 'gateway'}\n`);
    }
  });
});
