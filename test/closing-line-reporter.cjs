'use strict';

/**
 * Ends the output of a run with one line for people and scripts:
 * `N passed, N failed` or `N passed, N failed, N skipped`.
 * A suite that could not run counts as a failure, and so does a run that was cut short.
 */
module.exports = class ClosingLineReporter {
  /** @param {unknown} _contexts @param {import('@jest/reporters').AggregatedResult} results */
  onRunComplete(_contexts, results) {
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites + (results.wasInterrupted ? 1 : 0);
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
    // Jest's own summary comes after every reporter of ours, so the line waits for the exit.
    process.once('exit', () => process.stdout.write(`${line}\n`));
  }
};
