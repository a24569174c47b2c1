import type { IncomingMessage, ServerResponse } from 'node:http';
import { bundledFile } from '@berth/node-runtime';

/** What Swagger's page loads; tools/executables/programs.ts puts the same files into the executable. */
const TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'swagger-ui-standalone-preset.js': 'text/javascript; charset=utf-8',
  'favicon-16x16.png': 'image/png',
  'favicon-32x32.png': 'image/png',
};

/**
 * Serves the files of Swagger's page from within a single executable, where
 * there is no folder to serve. Elsewhere it passes everything on.
 */
export function serveBundledDocs(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const name = request.url?.split('?', 1)[0]?.slice(1) ?? '';
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  const bytes = type === undefined ? undefined : bundledFile(`swagger-ui/${name}`);
  if (type === undefined || bytes === undefined) {
    next();
    return;
  }
  response.writeHead(200, { 'Content-Type': type, 'Content-Length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}
