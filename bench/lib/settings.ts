import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Where the gateway looks for its settings: written before it starts, or before {@link reload}. */
export async function writeSettings(directory: string, settings: object): Promise<void> {
  // JSON is YAML.
  await writeFile(join(directory, 'application.yaml'), JSON.stringify(settings));
}

export async function reload(admin: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${admin}/config/reload`, { method: 'POST' });
  if (!response.ok) throw new Error(`the settings were refused: ${await response.text()}`);
}
