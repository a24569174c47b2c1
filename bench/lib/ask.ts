import type { Running } from './processes.js';

let last = 0;

/** Asks a helper that runs `answerQuestions` of programs/questions.ts, and waits for its answer. */
export async function ask<A>(helper: Running, question: object, timeoutMs: number): Promise<A> {
  last += 1;
  helper.send(`${last} ${JSON.stringify(question)}`);
  return JSON.parse(await helper.says(new RegExp(`^answer ${last} (.*)\\n`, 'm'), timeoutMs)) as A;
}
