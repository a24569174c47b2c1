export { AdminModule } from './admin.module.js';
export { prepareAdminApp } from './admin-http.js';
export { openApiDocument, serveApiDocs } from './open-api.js';
export { adminConfig, AdminSettings, httpConfig, HttpSettings } from './http.settings.js';
