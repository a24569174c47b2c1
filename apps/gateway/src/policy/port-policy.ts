import { checkHost, checkOrigins, Choice, Group, Integer, List, MAX_MS, Switch, Text, Texts } from '@berth/config';
import { InspectPolicy } from './inspect-policy.js';
import {
  checkForwardUrl,
  checkHeaderNames,
  checkHeaderValues,
  checkMediaTypes,
  checkNetworks,
  checkRealm,
  checkTokens,
  checkUsers,
} from './policy-checks.js';

const MAX_RATE = 10_000_000_000;
const MAX_COUNT = 10_000_000;
const MAX_BYTES = Number.MAX_SAFE_INTEGER;

/** Where the port is. */
class ListenPolicy {
  @Text({
    check: (value: string) => (value === '' ? undefined : checkHost(value)),
    description:
      'Address that the port listens on, such as 127.0.0.1; empty: as `agentPorts.host` says. A change holds when the port opens next. A service whose agent wishes for the loopback stays there.',
  })
  host = '';
}

/** Who gets in. */
class AccessPolicy {
  @List({ check: checkNetworks, description: 'Clients that may use the port: addresses and networks; none: all.' })
  allow: string[] = [];

  @List({ check: checkNetworks, description: 'Clients that may not, also where `allow` names them.' })
  deny: string[] = [];

  @List({
    check: checkNetworks,
    description:
      'Proxies before the port whose X-Forwarded-For is believed: the last address in it that is none of them is the client, for all rules here. Needs `ingress.forwardedHeaders` append. With `proxyProtocol`, their connections say by its header whose they are.',
  })
  trustedProxies: string[] = [];

  @Choice(['off', 'v1', 'v2', 'any'], {
    description:
      'Version of the PROXY protocol that `trustedProxies` speak. Each of their connections must begin with its header, before any TLS; the client that it names counts for everything. Other connections are not looked at: a header there is bytes of the client like any others. Holds for connections from then on.',
  })
  proxyProtocol: 'off' | 'v1' | 'v2' | 'any' = 'off';

  @Switch({
    description:
      'Connections of `trustedProxies` without such a header are taken, too, as the proxy’s own. Only while proxies are changed over: through one that sends no header, clients could send one that lies.',
  })
  proxyHeaderOptional = false;

  @Switch({ description: 'Only GET, HEAD, OPTIONS and TRACE pass, and no upgrades; others get 405.' })
  readOnly = false;
}

/** A port that is closed for people, for a while. */
class MaintenancePolicy {
  @Switch({ description: 'All requests get 503 with a page, or JSON where that is asked for.' })
  enabled = false;

  @Text({ description: 'What the page says; empty: that the service is being worked on.' })
  text = '';

  @Integer(0, 31_536_000, { description: 'Value of Retry-After; 0: none.' })
  retryAfterSeconds = 300;

  @List({ check: checkNetworks, description: 'Clients that pass all the same.' })
  allow: string[] = [];
}

/** What clients have to show. Where several kinds are given, one of basic and bearer is enough; the outside check comes behind them. */
class AuthPolicy {
  @Texts({
    secret: true,
    check: checkUsers,
    description:
      'Users of basic authentication (RFC 7617): name and password, or `sha256:` and the hash of the password in hex. Only for long random passwords; for people’s own, use `forwardUrl`.',
  })
  users: Record<string, string> = {};

  @Text({ check: checkRealm, description: 'What browsers call the place when they ask for a password.' })
  realm = 'Berth';

  @List({
    secret: true,
    check: checkTokens,
    description:
      'Tokens of which `Authorization: Bearer` must have one (RFC 6750), plain or as `sha256:` and their hash in hex.',
  })
  bearerTokens: string[] = [];

  @Switch({ description: 'The local service gets the Authorization header that was checked here.' })
  passOn = false;

  @Text({
    check: checkForwardUrl,
    description:
      'http(s) address that is asked for each request, by GET with its headers and X-Forwarded-Method, -Proto, -Host, -Uri, -For: 2xx lets it pass, anything else is the answer; empty: none.',
  })
  forwardUrl = '';

  @Integer(1, MAX_MS, { description: 'Time for that answer; after it the request gets 503.' })
  forwardTimeoutMs = 5000;

  @List({
    check: checkHeaderNames,
    description:
      'Headers of that answer which the local service gets, such as X-User; what clients send under these names is dropped.',
  })
  forwardHeaders: string[] = [];
}

/** How much of the port there is for whom. */
class LimitsPolicy {
  @Integer(0, MAX_BYTES, {
    description: 'Bytes of a request’s body; a larger one gets 413. 0: as `ingress.maxBodyBytes` says.',
    unit: 'bytes',
  })
  maxBodyBytes = 0;

  @Integer(0, MAX_COUNT, {
    description: 'Client connections; further ones get 503. 0: as `agentPorts.maxConnections` says.',
  })
  maxConnections = 0;

  @Integer(0, MAX_COUNT, {
    description:
      'Client connections of one address (IPv6: one /64 network). 0: as `agentPorts.maxConnectionsPerAddress` says.',
  })
  maxConnectionsPerAddress = 0;

  @Integer(0, MAX_COUNT, { description: 'Exchanges under way; further ones get 503. 0: no limit here.' })
  maxExchanges = 0;

  @Integer(0, MAX_COUNT, {
    description: 'Exchanges under way of one client (IPv6: one /64 network); further ones get 429. 0: no limit.',
  })
  maxExchangesPerClient = 0;
}

/** How often one client may ask. */
class RatePolicy {
  @Integer(0, 1_000_000, {
    description:
      'Requests per second of one client (IPv6: one /64 network), on average; those above it get 429. 0: no limit.',
  })
  requestsPerSecond = 0;

  @Integer(0, MAX_COUNT, { description: 'Requests that may come at once after a pause; 0: as many as per second.' })
  burst = 0;
}

/** How fast bytes pass, of all clients of the port together; those under way take turns. */
class BandwidthPolicy {
  @Integer(0, MAX_RATE, { description: 'Bytes per second to clients; 0: as fast as it goes.', unit: 'bytes/s' })
  toClients = 0;

  @Integer(0, MAX_RATE, { description: 'Bytes per second from clients; 0: as fast as it goes.', unit: 'bytes/s' })
  fromClients = 0;
}

/** Smaller answers for clients that take them. */
class CompressionPolicy {
  @Switch({
    description:
      'Answers are compressed (br, gzip) for clients that say so; never event streams, gRPC, ranges, `no-transform`, or what is compressed. Costs CPU of the gateway.',
  })
  enabled = false;

  @Integer(0, MAX_BYTES, { description: 'Smaller answers stay as they are.', unit: 'bytes' })
  minBytes = 1024;

  @List({ check: checkMediaTypes, description: 'Media types, exact or such as `text/*`.' })
  types: string[] = [
    'text/*',
    'application/json',
    'application/javascript',
    'application/xml',
    'application/wasm',
    'image/svg+xml',
  ];
}

/** Which pages of other origins may use the port from browsers (the Fetch standard, CORS). */
class CorsPolicy {
  @List({
    check: checkOrigins,
    description:
      'Origins, or `*`. Preflights are answered here, and CORS headers of the local service replaced; none: CORS is the service’s own business.',
  })
  origins: string[] = [];

  @List({ check: checkHeaderNames, description: 'Methods that a preflight allows.' })
  methods: string[] = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'];

  @List({ check: checkHeaderNames, description: 'Request headers that a preflight allows; none: those asked for.' })
  headers: string[] = [];

  @List({ check: checkHeaderNames, description: 'Response headers that pages may read.' })
  exposed: string[] = [];

  @Switch({ description: 'Pages may send cookies; not with the origin `*`.' })
  credentials = false;

  @Integer(0, 86_400, { description: 'Time for which browsers remember a preflight.' })
  maxAgeSeconds = 600;
}

/** Changes to the headers of one direction: removed first, then set, then added. */
class HeaderRules {
  @List({ check: checkHeaderNames, description: 'Headers that are taken out.' })
  remove: string[] = [];

  @Texts({ check: checkHeaderValues, description: 'Headers that are replaced, or put in where they are missing.' })
  set: Record<string, string> = {};

  @Texts({ check: checkHeaderValues, description: 'Headers that are put in beside those that are there.' })
  add: Record<string, string> = {};
}

/** Changes to headers both ways. */
class HeadersPolicy {
  @Group()
  request = new HeaderRules();

  @Group()
  response = new HeaderRules();

  @Switch({
    description:
      'Answers without them get X-Content-Type-Options: nosniff, X-Frame-Options: SAMEORIGIN, Referrer-Policy: strict-origin-when-cross-origin, and over HTTPS Strict-Transport-Security for 180 days.',
  })
  security = false;
}

/**
 * What can be said about one port; every default means that there is no such
 * rule, and a rule that is not set costs nothing (docs/decisions/0036-port-policies.md).
 */
export class PortPolicy {
  @Group('Where the port is')
  listen = new ListenPolicy();

  @Group('Who gets in')
  access = new AccessPolicy();

  @Group('Maintenance')
  maintenance = new MaintenancePolicy();

  @Group('Authentication of clients')
  auth = new AuthPolicy();

  @Group('Limits')
  limits = new LimitsPolicy();

  @Group('Request rate')
  rate = new RatePolicy();

  @Group('Bandwidth')
  bandwidth = new BandwidthPolicy();

  @Group('Compression')
  compression = new CompressionPolicy();

  @Group('CORS')
  cors = new CorsPolicy();

  @Group('Headers')
  headers = new HeadersPolicy();

  @Group('Policy agents')
  inspect = new InspectPolicy();
}
