import { expect, it } from '@jest/globals';
import { status as Status } from '@grpc/grpc-js';
import { callError } from './outcomes.js';

it.each([
  [
    'No connection established. Last error: Error: connect ECONNREFUSED 127.0.0.1:1. Resolution note: ',
    'UNAVAILABLE: connect ECONNREFUSED 127.0.0.1:1',
  ],
  ['Connection dropped', 'UNAVAILABLE: Connection dropped'],
  ['evil \u001b[31m\nline', 'UNAVAILABLE: evil \\x1b[31m\\x0aline'],
])('the end of a call is said in one plain line: %j', (details, said) => {
  expect(callError({ code: Status.UNAVAILABLE, details }, '/x')?.message).toBe(said);
});
