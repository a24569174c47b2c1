import openapiTS, { astToString } from 'openapi-typescript';

const HEADING = `// Generated from docs/openapi.json: npm run build && node tools/write-openapi.ts
`;

/** TypeScript types of the admin API, as openapi-typescript makes them of its OpenAPI document. */
export async function adminClientTypes(document: URL): Promise<string> {
  return HEADING + astToString(await openapiTS(document));
}
