/**
 * Clients of a soak, some for each port: `soak-client.js <port>[,<port>…] <file>`. The n-th port belongs to the agent of the
 * n-th port of the service. Asked `{seconds}`, it writes an account for each port. Nothing is ever sent twice.
 */
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SoakAccount } from '../lib/soak-account.js';
import { echo, download, type Lane, upload, Wrong } from '../lib/soak-exchanges.js';
import { webSocket } from '../lib/soak-websocket.js';
import { endWithParent, textArgument } from './lifeline.js';
import { answerQuestions } from './questions.js';

/** Kinds of a port's clients; each does one after the other, for as long as the soak lasts. */
const LANES = [download, download, upload, echo, webSocket, webSocket];
const PAUSE_MS = 100;
const WORDS = 5;

async function clientsOf(port: number, origin: number, seconds: number): Promise<SoakAccount> {
  const account: SoakAccount = { right: 0, bytes: 0, wrong: 0, wrongWords: [], stuck: 0, broken: {}, posts: [] };
  const end = performance.now() + seconds * 1000;
  await Promise.all(
    LANES.map(async (exchange, number) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const over = (): boolean => performance.now() >= end;
      const lane: Lane = { port, agent, origin, name: `${origin}-${number}`, account, over };
      for (let count = 0; !lane.over(); count += 1) {
        await exchange(lane, count).catch((thrown: unknown) => judge(account, thrown));
        // Long enough that the gateway and not the machine is what is tried.
        await sleep(PAUSE_MS * (0.5 + Math.random()));
      }
      agent.destroy();
    }),
  );
  return account;
}

function judge(account: SoakAccount, thrown: unknown): void {
  if (thrown instanceof Wrong) {
    account.wrong += 1;
    if (account.wrongWords.length < WORDS) account.wrongWords.push(thrown.message);
    return;
  }
  const what = thrown instanceof Error ? ((thrown as NodeJS.ErrnoException).code ?? thrown.message) : String(thrown);
  if (what === 'stuck') account.stuck += 1;
  else account.broken[what] = (account.broken[what] ?? 0) + 1;
}

endWithParent();
const ports = textArgument(0).split(',').map(Number);
const file = textArgument(1);
answerQuestions(async ({ seconds }: { seconds: number }) => {
  const accounts = await Promise.all(ports.map(async (port, origin) => await clientsOf(port, origin, seconds)));
  writeFileSync(file, JSON.stringify(accounts));
  return {};
});
console.log('ready now');
