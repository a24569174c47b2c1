import { Choice, Integer, MAX_MS, Share, Text, Texts } from '@berth/config';
import { isToken } from '@berth/http-rules';

const HEADER_VALUE = /^[\x20-\x7e]*$/;

function checkEndpoint(value: string): string | undefined {
  if (value === '') return undefined;
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') return 'must be an http:// or https:// address';
  if (url.username !== '' || url.password !== '') return 'must have no password: tracing.headers can hold one';
  return url.search === '' && url.hash === '' ? undefined : 'must end with its path';
}

function checkHeaders(value: Readonly<Record<string, unknown>>): string | undefined {
  // The value is a secret.
  const wrong = Object.entries(value).find(
    ([name, text]) => !isToken(name) || typeof text !== 'string' || !HEADER_VALUE.test(text),
  );
  return wrong === undefined ? undefined : `"${wrong[0]}" is no header with a value of printable ASCII`;
}

/** Where spans go; of gateway and agent. */
export class TracingSettings {
  @Text({
    check: checkEndpoint,
    description:
      'Collector that takes OTLP over HTTP, such as http://127.0.0.1:4318: spans are sent to /v1/traces below it, as protobuf. Empty: there are no traces.',
  })
  endpoint = '';

  @Texts({
    secret: true,
    check: checkHeaders,
    description: 'Headers of what is sent to the collector, such as the key that it asks for.',
  })
  headers: Record<string, string> = {};

  @Integer(1, 1_000_000, {
    description: 'Spans that may begin in a second; further requests have none, whatever asks for one.',
  })
  maxPerSecond = 100;

  @Integer(0, MAX_MS, { description: 'Time for spans that still wait when the process ends; then they are lost.' })
  shutdownTimeoutMs = 2000;
}

/** What a gateway decides besides. */
export class GatewayTracingSettings extends TracingSettings {
  @Share({ description: 'Share of the requests that have a trace.' })
  sample = 0.01;

  @Choice(['ignore', 'continue', 'trust'], {
    description:
      'What the traceparent of a client is worth: a trace begins here; or it goes on here, and the share above decides; or its sampled flag decides, which lets everybody ask for traces.',
  })
  incoming: 'ignore' | 'continue' | 'trust' = 'ignore';
}
