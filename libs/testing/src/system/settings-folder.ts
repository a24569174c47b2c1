import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frozen, LoadResult } from '@berth/config';
import { BerthError } from '@berth/errors';
import { type AgentSettings, loadAgentSettings } from 'berth-agent';
import { type GatewaySettings, loadGatewaySettings } from 'berth-gateway';

type Env = Record<string, string>;

/** A folder for files of settings, and what both programs load there; nothing of this process's environment counts. */
export class SettingsFolder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'berth-config-'));

  write(name: string, text: string): void {
    writeFileSync(join(this.path, name), text);
  }

  gateway(argv: string[] = [], env: Env = {}): LoadResult<GatewaySettings> {
    return loadGatewaySettings({ argv, env, cwd: this.path });
  }

  agent(argv: string[] = [], env: Env = {}): LoadResult<AgentSettings> {
    return loadAgentSettings({ argv, env, cwd: this.path });
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

/** @throws Error where the program would end instead */
export function settingsOf<T>(result: LoadResult<T>): Frozen<T> {
  if (result.kind !== 'settings') throw new Error(`an exit instead of settings: ${result.output}`);
  return result.settings;
}

/** The lines of what is wrong. @throws Error where nothing is */
export function problemsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof BerthError) || error.code !== 'BERTH_CONFIG_INVALID') throw error;
    return error.message.split('\n');
  }
  throw new Error('nothing was wrong');
}
