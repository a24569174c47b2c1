/** What a unit says. */
export interface UnitParts {
  readonly id: string;
  readonly name: string;
  readonly command: readonly string[];
  readonly forUser: boolean;
  readonly runAs: string;
}

/** What needs no knowledge of the agent's files and local services, which may be anywhere. */
const HARDENING = `CapabilityBoundingSet=
ProtectSystem=full
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
RestrictSUIDSGID=yes
RestrictNamespaces=yes
RestrictRealtime=yes
LockPersonality=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
`;

/** A unit of systemd, of the machine or of one user. */
export function systemdUnit({ id, command, forUser, runAs }: UnitParts): string {
  const network = 'After=network-online.target\nWants=network-online.target\n';
  // `berth-agent status` looks there; a user's session has a folder of its own.
  const folder = `RuntimeDirectory=berth-agent/${id}\nRuntimeDirectoryMode=0700\n`;
  const user = runAs === '' ? '' : `User=${runAs}\n`;
  return `[Unit]
Description=Berth agent ${id}
${forUser ? '' : network}
[Service]
ExecStart=${command.map(quoted).join(' ')}
${forUser ? '' : user + folder}Restart=on-failure
RestartSec=2
# wrong settings, and a refusal that trying again does not change
RestartPreventExitStatus=2 3
# shutdown.timeoutMs and a little
TimeoutStopSec=15
LimitNOFILE=65536
NoNewPrivileges=yes
${forUser ? '' : HARDENING}
[Install]
WantedBy=${forUser ? 'default.target' : 'multi-user.target'}
`;
}

/** systemd.service(5), command lines: quotes, and `%` and `$` doubled. */
function quoted(argument: string): string {
  const text = argument.replaceAll(/[\\"]/g, '\\$&').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[\w./=-]+$/.test(argument) ? argument : `"${text}"`;
}
