import type { CommandLine } from '@berth/config';

/** Exit codes of `berth-agent`. */
export const EXIT = { ended: 0, settings: 2, refused: 3 } as const;

/** Exit codes of `berth-agent status`. */
export const STATUS = { connected: 0, notConnected: 1, none: 3 } as const;

/** What `berth-agent --help` says besides its flags, and what completion knows. */
export const AGENT_COMMAND_LINE: CommandLine = {
  examples: {
    'berth-agent 3000 --gateway gateway.example.org:9090':
      'makes http://localhost:3000 reachable; the secret is in BERTH_TOKEN',
    'berth-agent 3000 --expose api=4000 --gateway gateway.example.org:9090 --id kiosk-7':
      'two local services, each with a port of its own, under a name of your choice',
    'berth-agent tcp://localhost:22 --gateway gateway.example.org:9090 --tls --token-file token.txt':
      'raw TCP, over TLS, with the secret in a file',
    'berth-agent status': 'shows the agents that run here: connected or not, addresses, figures',
    'berth-agent verify --config agent.yaml': 'looks whether settings and files are fine',
  },
  daily: [
    'expose',
    'id',
    'gateway',
    'token',
    'tokenFile',
    'tls.enabled',
    'tls.caFile',
    'log.level',
    'log.requests',
    'log.quiet',
    'log.format',
  ],
  exitCodes: {
    [EXIT.ended]: 'ended in order, as a signal or --help asked for',
    1: 'verify: something is wrong; status: an agent is not connected',
    [EXIT.settings]: 'wrong settings, or a file that cannot be used',
    [EXIT.refused]: 'refused by the gateway for good: token, certificate, id or version; status: no agent runs',
  },
  commands: [
    {
      name: 'status',
      summary: "tells of this user's running agents, all or those with an id: connected or not, addresses, figures",
      argument: 'id',
      switches: { '--json': 'as a JSON list, with every figure' },
      exitCodes: {
        [STATUS.connected]: 'all of them are connected',
        [STATUS.notConnected]: 'one of them is not',
        [STATUS.none]: 'no such agent runs here',
      },
    },
    {
      name: 'service',
      summary: 'has systemd or launchd run this agent, with the settings of the same flags',
      words: ['install', 'uninstall'],
      switches: {
        '--user': 'for this user alone, without root',
        '--print': 'only shows the unit',
      },
      takesSettings: true,
      exitCodes: { 0: 'done', 2: 'refused; what is in the way is said' },
    },
  ],
};
