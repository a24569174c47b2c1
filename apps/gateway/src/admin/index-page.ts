import type { RequestHandler } from 'express';

/** Where things are; nothing that the token keeps. */
const INDEX = {
  name: 'berth-gateway',
  docs: '/docs',
  openapi: '/docs/openapi.json',
  agents: '/agents',
  ports: '/ports',
  servers: '/servers',
  health: '/health/ready',
  metrics: '/metrics',
};

/** `GET /`: people are led to the description of the API, programs are told where things are. */
export const answerIndex: RequestHandler = (request, response) => {
  response.vary('Accept');
  if (request.accepts(['json', 'html']) === 'html') response.redirect(INDEX.docs);
  else response.json(INDEX);
};
