import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { AdminModule } from './admin.module.js';
import { serveBundledDocs } from './bundled-docs.js';
import { describeErrors } from './describe-errors.js';
import { ProblemDto } from './error.dto.js';

/** The OpenAPI document of the admin API, and of nothing else that an application has. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Berth gateway')
    .setDescription(
      'Agents, their ports, health and metrics. Proxied traffic has ports of its own and never passes here.',
    )
    .setVersion('1')
    .setLicense('MIT', 'https://opensource.org/license/mit')
    .addServer('/', 'where this description comes from')
    .addTag('agents', 'Who is connected, and what is told to them')
    .addTag('ports', 'The port range, its leases, and the rules of ports')
    .addTag('policy agents', 'Programs that judge traffic')
    .addTag('servers', 'The servers of the gateway')
    .addTag('gateway', 'The settings of the gateway')
    .addTag('health', 'Probes; they need no token')
    .addTag('metrics', 'For Prometheus')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: '`admin.token`, where the gateway has one' }, 'token')
    .addSecurityRequirements('token')
    .build();
  const document = SwaggerModule.createDocument(app, config, {
    include: [AdminModule],
    // Methods of the controllers are called as clients that are made of the document are to call theirs.
    operationIdFactory: (_, method) => method,
    extraModels: [ProblemDto],
  });
  return describeErrors(document);
}

/**
 * Serves Swagger UI and the document, at `/docs` and `/docs/openapi.json`. To be called before the application listens.
 *
 * @param path of the admin API in an application of your own, such as `berth`, which stands before both
 */
export function serveApiDocs(app: INestApplication, path = ''): void {
  const at = path === '' ? 'docs' : `${path.replaceAll(/^\/|\/$/g, '')}/docs`;
  app.use(`/${at}`, serveBundledDocs);
  SwaggerModule.setup(at, app, () => openApiDocument(app), {
    jsonDocumentUrl: `${at}/openapi.json`,
    yamlDocumentUrl: `${at}/openapi.yaml`,
    // Swagger would otherwise have a public service look at the document.
    swaggerOptions: { validatorUrl: null },
  });
}
