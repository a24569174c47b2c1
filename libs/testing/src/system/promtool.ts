import { spawnSync } from 'node:child_process';

/** Whether Prometheus' own linter is on this machine (Debian: package `prometheus`). */
export const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

/** What `promtool check metrics` says about a scrape; empty: nothing. */
export function promtoolComplaints(metrics: string): string {
  const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' });
  const said = (stdout + stderr).trim();
  return status === 0 ? said : `exit code ${status}: ${said}`;
}
