import type { Case } from '../case.js';
import type { RequestSide } from '../request-side.js';
import type { ResponseSide } from '../response-side.js';
import { FrameLane } from './frame-lane.js';
import { agreedIn } from './offers.js';

/**
 * Both directions of a WebSocket become lanes whose messages are asked about.
 *
 * @throws BerthError `BERTH_BAD_AGENT_RESPONSE` where they speak in a way that cannot be read
 */
export function beginFrames(it: Case, requestSide: RequestSide, responseSide: ResponseSide): void {
  const agreed = agreedIn(it.heads.response ?? []);
  const maxBytes = Math.max(1, Math.min(...it.frameWatchers.map((member) => it.mostHeldFor(member))));
  const close = (code: number, reason: string): void => {
    up.close(code, reason);
    down.close(code, reason);
  };
  const up = new FrameLane(it, requestSide, { clientToServer: true, deflate: agreed?.client, maxBytes, close });
  const down = new FrameLane(it, responseSide, { clientToServer: false, deflate: agreed?.server, maxBytes, close });
  requestSide.lane = up;
  responseSide.beginPipe(down);
}
