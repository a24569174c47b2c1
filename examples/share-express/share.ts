import express from 'express';
import { type Agent, type AgentOptions, startAgent } from 'berth-agent';

/** A small application of yours: a guest book in memory. */
export function guestBook(): express.Express {
  const names: string[] = [];
  const app = express().set('trust proxy', 'loopback');
  app.use(express.text());
  app.get('/', (_request, response) => {
    response.json(names);
  });
  app.post('/', (request, response) => {
    names.push(String(request.body));
    response.status(201).send(`welcome, ${String(request.body)} from ${request.ip}\n`);
  });
  return app;
}

/** Shares it at a port of the gateway. It listens nowhere else. */
export async function shareGuestBook(options: AgentOptions): Promise<Agent> {
  const agent = await startAgent({ handler: guestBook(), ...options });
  agent.on('request', ({ method, path, status, durationMs }) => {
    console.log(`${method} ${JSON.stringify(path)} ${status ?? '-'} ${durationMs.toFixed(1)} ms`);
  });
  return agent;
}
