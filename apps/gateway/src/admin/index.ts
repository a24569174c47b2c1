export { AdminModule } from './admin.module.js';
export { openApiDocument, serveApiDocs } from './open-api.js';
