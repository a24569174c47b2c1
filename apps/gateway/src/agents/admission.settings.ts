import { Choice, Integer, MAX_MS } from '@berth/config';
import type { FlowMode } from '@berth/agent-pool';

/** What a request meets when no connection of its agent can take it now (checklist C7, C10). */
export class AdmissionSettings {
  @Integer(0, 1_000_000, {
    description:
      'Requests of one agent that may wait while all its connections have as many as they take, each client address in turn; further ones get 503. 0: none waits.',
  })
  maxWaiting = 1000;

  @Integer(0, MAX_MS, { description: 'Time that such a request waits at the most; then 503.' })
  maxWaitMs = 5000;

  @Choice(['failClosed', 'failOpen', 'waitAndRetry'], {
    description:
      'What a request meets while the agent has asked for a pause: 503 at once; it is sent all the same; or it waits for pauseWaitMs, and then gets 503.',
  })
  whenPaused: FlowMode = 'failClosed';

  @Integer(0, MAX_MS, { description: 'Time that a request waits for the end of a pause with waitAndRetry.' })
  pauseWaitMs = 100;
}
