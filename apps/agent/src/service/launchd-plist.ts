import type { UnitParts } from './systemd-unit.js';

/** Time between two starts, s: launchd cannot tell by the exit code that another one is of no use. */
const THROTTLE_SECONDS = 30;

/** A property list for launchd, of the machine or of one user. */
export function launchdPlist({ name, command, forUser, runAs }: UnitParts): string {
  const strings = command.map((argument) => `    <string>${escaped(argument)}</string>\n`).join('');
  const user = forUser || runAs === '' ? '' : `  <key>UserName</key>\n  <string>${escaped(runAs)}</string>\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${escaped(name)}</string>
  <key>ProgramArguments</key>
  <array>
${strings}  </array>
${user}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>${THROTTLE_SECONDS}</integer>
</dict>
</plist>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
