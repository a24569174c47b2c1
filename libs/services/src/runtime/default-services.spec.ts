import { Method } from '../definition/method-decorators.js';
import { Service } from '../definition/service-decorator.js';
import {
  closeServices,
  configureServices,
  getServerInfo,
  isServerRunning,
  listAgents,
  startAgent,
  stopAgent,
  stopAllAgents,
  stopServer,
} from './default-services.js';

@Service('Only', { package: 'defaults' })
class Only {
  @Method({ serveWithAgent: true }) work(): void {
    return;
  }
}

describe("the process's own runtime", () => {
  afterEach(closeServices);

  it('is not made by questions and stops (B2, B3, B7 to B9)', async () => {
    expect(isServerRunning()).toBe(false);
    expect(getServerInfo()).toEqual({
      ...{ running: false, port: undefined, mode: 'plaintext', mockMode: false, registeredServices: 1 },
    });
    expect(listAgents()).toEqual({});
    await stopAllAgents();
    await expect(stopServer()).rejects.toThrow('gRPC server is not running');
    await expect(stopAgent({ service: Only })).rejects.toThrow('Agent defaults.Only is not running');
    const made = configureServices({ mock: true });
    expect(getServerInfo().mode).toBe('mock');
    await startAgent(Only);
    expect(Object.keys(made.listAgents())).toEqual(['defaults.Only']);
    expect(() => configureServices({})).toThrow('in use already');
  });
});
