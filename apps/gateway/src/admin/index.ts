export { AdminModule } from './admin.module.js';
export { prepareAdminApp } from './admin-http.js';
export { openApiDocument, serveApiDocs } from './open-api.js';
export { AdminSettings, HttpSettings } from './http.settings.js';
