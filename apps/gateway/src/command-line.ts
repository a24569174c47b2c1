import type { CommandLine } from '@berth/config';

/** What `berth-gateway --help` says besides its flags, and what completion knows. */
export const GATEWAY_COMMAND_LINE: CommandLine = {
  examples: {
    'berth-gateway quick': 'to try it: makes a secret for this run, and shows what to run on the other machine',
    'BERTH_TOKEN=$(openssl rand -hex 32) berth-gateway':
      'agents dial port 9090 with that secret, and get ports from 8100 to 8200; admin page at http://127.0.0.1:8080/docs',
    'berth-gateway --http-agent-port-range-start 9000 --http-agent-port-range-end 9099 --token-file token.txt':
      'other ports for agents, and the secret in a file',
    'berth-gateway verify --config application.yaml': 'looks whether settings and files are fine',
  },
  daily: [
    'auth.token',
    'auth.tokenFile',
    'http.host',
    'http.port',
    'http.agentPortRange.start',
    'http.agentPortRange.end',
    'admin.tokenFile',
    'grpc.port',
    'grpc.tls.enabled',
    'grpc.tls.certFile',
    'grpc.tls.keyFile',
    'log.level',
    'log.quiet',
    'log.format',
  ],
  exitCodes: {
    0: 'ended in order, as a signal or --help asked for',
    1: 'could not start, such as on a port that is taken; verify: something is wrong',
    2: 'wrong settings',
  },
  commands: [
    {
      name: 'quick',
      summary: 'starts with a secret that is made for this run, and shows what to run on the other machine',
      takesSettings: true,
    },
  ],
};
