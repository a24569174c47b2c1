import { createInterface } from 'node:readline';

/**
 * Answers what the benchmark asks on standard input, a line of JSON at a time.
 * Helpers that live for a whole scenario are warm, and their start is not measured.
 */
export function answerQuestions(answer: (question: never) => Promise<object>): void {
  createInterface({ input: process.stdin }).on('line', (line) => {
    const space = line.indexOf(' ');
    // An answer that fails ends the helper, and so the scenario, with the reason.
    void answer(JSON.parse(line.slice(space + 1)) as never).then((found) => {
      process.stdout.write(`answer ${line.slice(0, space)} ${JSON.stringify(found)}\n`);
    });
  });
}
