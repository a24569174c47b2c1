'use strict';

/**
 * Who may import whom; docs/data-path.md has the picture. A library is reached by
 * its name (`@berth/errors`), a room of the gateway by its index.ts.
 */

/** What each library may import of ours, besides itself. */
const LIBRARIES = {
  errors: [],
  'node-runtime': [],
  exchange: ['errors'],
  'http-rules': ['exchange'],
  observability: ['errors', 'node-runtime'],
  config: ['errors', 'node-runtime'],
  tracing: ['config', 'errors', 'exchange', 'http-rules', 'observability'],
  'port-allocator': ['errors'],
  state: ['errors'],
  'tunnel-protocol': ['errors', 'node-runtime', 'exchange'],
  'agent-pool': ['errors', 'exchange'],
  'policy-agents': ['agent-pool', 'errors', 'exchange', 'http-rules', 'node-runtime', 'observability'],
  'policy-sdk': ['errors', 'policy-agents'],
  'http-server-pool': ['errors', 'node-runtime'],
  services: ['errors', 'observability', 'node-runtime'],
  'services-nest': ['errors', 'observability', 'services'],
};

/** What each room of the gateway may import of its neighbours. */
const ROOMS = {
  lifecycle: [],
  // Of an agent only its type: what a port server is made for.
  state: [],
  ports: ['agents', 'lifecycle', 'state'],
  'config-push': ['lifecycle'],
  'reported-metrics': [],
  agents: ['ports', 'lifecycle', 'state', 'config-push', 'reported-metrics'],
  certificates: [],
  reload: [],
  'access-log': ['reload'],
  tracing: [],
  'policy-agents': ['agents', 'ports', 'lifecycle', 'reload', 'state', 'reported-metrics'],
  policy: ['agents', 'policy-agents', 'ports', 'reload', 'state'],
  ingress: ['access-log', 'tracing', 'agents', 'ports', 'certificates', 'policy'],
  tunnel: ['agents', 'ports', 'lifecycle'],
  admin: [
    'agents',
    'certificates',
    'policy',
    'policy-agents',
    'config-push',
    'reported-metrics',
    'ports',
    'tunnel',
    'lifecycle',
    'reload',
    'ingress',
    'state',
    'access-log',
    'tracing',
  ],
};

const SPEC = '[.]spec[.]ts$|/testing/';
const anyOf = (names) => `(${names.join('|')})`;

const libraryRules = Object.entries(LIBRARIES).map(([name, allowed]) => ({
  name: `lib-${name}`,
  comment: `libs/${name} may import ${allowed.length === 0 ? 'nothing of ours' : allowed.join(', ')}`,
  severity: 'error',
  from: { path: `^libs/${name}/`, pathNot: SPEC },
  to: {
    path: '^(apps|libs|examples|bench|test)/',
    pathNot: `^libs/${anyOf([name, ...allowed])}/`,
  },
}));

const roomRules = Object.entries(ROOMS).map(([name, allowed]) => ({
  name: `room-${name}`,
  comment: `the gateway's ${name}/ may import the rooms: ${allowed.join(', ') || 'none'}`,
  severity: 'error',
  from: { path: `^apps/gateway/src/${name}/`, pathNot: SPEC },
  to: {
    path: '^apps/gateway/src/',
    // Tokens are the names under which the rooms are given their settings and log; the version is a constant.
    pathNot: `^apps/gateway/src/(${anyOf([name, ...allowed])}/|(gateway[.]tokens|version)[.]ts)`,
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'modules that need each other are one module, or lack a third',
      severity: 'error',
      from: {},
      // Types alone make no cycle at run time, and a class may know the interface of its owner.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      comment: 'an import that leads nowhere',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    ...libraryRules,
    ...roomRules,
    {
      name: 'lib-testing',
      comment: 'test helpers start gateways and agents as anybody does',
      severity: 'error',
      from: { path: '^libs/testing/' },
      to: {
        path: '^(apps|libs|examples|bench|test)/',
        pathNot: [
          '^libs/testing/',
          '^(libs|apps)/[^/]+/src/index[.]ts$',
          '^libs/testing/',
          '^libs/tunnel-protocol/testing/',
        ],
      },
    },
    {
      name: 'lib-by-name',
      comment: "a library is imported by its package's name, which leads to its index.ts",
      severity: 'error',
      from: { path: '^(apps|libs|examples|bench|test)/([^/]+)/', pathNot: SPEC },
      to: { path: '^libs/([^/]+)/', pathNot: ['^libs/[^/]+/src/index[.]ts$', '^$1/$2/'] },
    },
    {
      name: 'room-by-index',
      comment: "another room of the gateway is imported by '../room/index.js'",
      severity: 'error',
      from: { path: '^apps/gateway/src/([^/]+)', pathNot: SPEC },
      to: { path: '^apps/gateway/src/[^/]+/', pathNot: ['/index[.]ts$', '^apps/gateway/src/$1/'] },
    },
    {
      name: 'gateway-not-agent',
      comment: 'the two programs share libraries, never code of their own',
      severity: 'error',
      from: { path: '^apps/gateway/' },
      to: { path: '^apps/agent/' },
    },
    {
      name: 'agent-not-gateway',
      comment: 'the two programs share libraries, never code of their own',
      severity: 'error',
      from: { path: '^apps/agent/' },
      to: { path: '^apps/gateway/' },
    },
    {
      name: 'without-nest',
      comment: 'the agent runs on small devices, and services run without Nest: plain Node',
      severity: 'error',
      from: { path: '^(apps/agent|libs/services)/' },
      to: { path: 'node_modules/(@nestjs/|express/|rxjs/)' },
    },
    {
      name: 'tunnel-knows-no-http',
      comment: 'the gRPC side knows nothing of HTTP servers',
      severity: 'error',
      from: { path: ['^apps/gateway/src/tunnel/', '^libs/tunnel-protocol/'], pathNot: SPEC },
      // What agents can be given comes injected from http-server-pool; it is asked for figures alone.
      to: { path: ['^(node:)?https?$', 'node_modules/(@types/)?express/', '^libs/http-rules/'] },
    },
    {
      name: 'ingress-knows-no-grpc',
      comment: 'the HTTP side knows nothing of gRPC',
      severity: 'error',
      from: { path: '^apps/gateway/src/ingress/', pathNot: SPEC },
      to: { path: ['node_modules/@grpc/', 'node_modules/@nestjs/microservices/'] },
    },
    {
      name: 'one-seam',
      comment: 'who uses an exchange knows @berth/exchange and @berth/agent-pool, never what carries it',
      severity: 'error',
      from: { path: ['^apps/gateway/src/(?!tunnel/)', '^apps/agent/src/forward/'], pathNot: SPEC },
      to: { path: '^libs/tunnel-protocol/' },
    },
    {
      name: 'code-not-tests',
      comment: 'what runs in life does not import what only tests need',
      severity: 'error',
      from: { path: '^(apps|libs/(?!testing/))', pathNot: SPEC },
      to: { path: ['[.]spec[.]ts$', '^libs/testing/', '^libs/[^/]+/testing/', '^test/'] },
    },
    {
      name: 'declared-dependency',
      comment: 'what a package imports stands in its own package.json',
      severity: 'error',
      from: { path: '^(apps|libs)/', pathNot: SPEC },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'not-to-dev-dependency',
      comment: 'the image has no development dependencies',
      severity: 'error',
      from: { path: '^(apps|libs/(?!testing/))', pathNot: SPEC },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      // A package's name means its source here, and its build when it runs (package.json, exports).
      conditionNames: ['berth-source', 'import', 'types', 'node', 'default'],
    },
  },
};
