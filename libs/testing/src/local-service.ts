import { createServer, type RequestListener, type Server } from 'node:http';
import { type Listening, listening } from './listening.js';

export type LocalService = Listening<Server>;

/** An HTTP service beside the agent. */
export function localService(listener: RequestListener): Promise<LocalService> {
  return listening(createServer(listener));
}
