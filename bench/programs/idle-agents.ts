/** Many agents in one process: `idle-agents.js <gRPC port> <first number> <count> [<port of a service>]`. */
import { defaultAgentSettings } from 'berth-agent';
import { launchAgent } from 'berth-agent';
import { endWithParent, numberArgument } from './lifeline.js';

/** Started in waves, since the gateway bounds the handshakes under way. */
const WAVE = 50;

const gateway = `127.0.0.1:${numberArgument(0)}`;
const first = numberArgument(1);
const count = numberArgument(2);
// Without one nobody asks for it: idle agents are all that is wanted.
const target = `http://127.0.0.1:${process.argv[5] ?? '9'}`;

endWithParent();
for (let wave = first; wave < first + count; wave += WAVE) {
  const numbers = Array.from({ length: Math.min(WAVE, first + count - wave) }, (_, i) => wave + i);
  await Promise.all(
    numbers.map(async (number) => {
      const settings = defaultAgentSettings({
        target,
        id: `idle-${number}`,
        gateway,
        log: { level: 'silent' },
      });
      await launchAgent(settings).ready;
    }),
  );
}
console.log(`connected ${count}`);
