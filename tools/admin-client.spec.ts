import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { adminClientTypes } from './admin-client.ts';

describe('the types of the admin API in examples/admin-client', () => {
  it('are those of docs/openapi.json', async () => {
    // Out of date? npm run build && node tools/write-openapi.ts
    const types = await adminClientTypes(pathToFileURL('docs/openapi.json'));
    expect(readFileSync('examples/admin-client/admin-api.ts', 'utf8')).toBe(types);
  });
});
