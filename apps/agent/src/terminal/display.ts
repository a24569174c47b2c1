import { standardOutput } from '@berth/node-runtime';
import { createLogger, isPretty, LimitedLog, styleFor } from '@berth/observability';
import type { AgentSettings } from '../agent-settings.js';
import type { AgentAddress } from '../session/agent-address.js';
import type { AgentClient } from '../session/agent-client.js';
import { AgentView } from './agent-view.js';
import { shownRequest } from './request-line.js';

/** Where the width is not known: a file, for one. */
const USUAL_COLUMNS = 100;
/** More of them in a second are counted: nobody reads them, and a terminal costs more than a request. */
const SHOWN_REQUESTS = { lines: 50, windowMs: 1000 };

/** What a running agent writes to stdout, all of it: lines of JSON, or a view for people. */
export interface Display {
  readonly log: ReturnType<typeof createLogger>;
  /** Shows what becomes of it from now on. */
  follow(client: AgentClient): void;
}

export function agentDisplay(settings: AgentSettings): Display {
  const pretty = isPretty(settings.log);
  const { quiet, requests } = settings.log;
  const showsRequests = !quiet && (requests ?? pretty);
  const columns = (): number => process.stdout.columns || USUAL_COLUMNS;
  const view = pretty ? new AgentView({ settings, style: styleFor(1), columns, showsRequests }) : undefined;
  const log = createLogger('agent', settings.log, 1, view?.see);
  return {
    log,
    follow: (client) => {
      if (view !== undefined) {
        const show = (address: AgentAddress): void => {
          const text = view.addresses(address);
          if (!quiet) standardOutput(1).write(text);
        };
        client.on('ready', show).on('services', show);
      }
      if (!showsRequests) return;
      const limited = pretty ? new LimitedLog(log, SHOWN_REQUESTS, { event: 'request' }) : undefined;
      client.on('request', (request) => {
        const shown = shownRequest(request);
        if (limited === undefined) log.info({ event: 'request', ...shown }, 'request');
        else limited.info(shown, 'request');
      });
    },
  };
}
