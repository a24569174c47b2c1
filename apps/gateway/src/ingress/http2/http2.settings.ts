import { Integer, Switch } from '@berth/config';

/** What one HTTP/2 connection of a client may do (docs/decisions/0033-http2.md). */
export class Http2Settings {
  @Switch({
    description:
      'Clients may speak HTTP/2 at ports of agents; with TLS it is offered to them. Ports with Express middleware speak HTTP/1.1 alone.',
  })
  enabled = true;

  @Switch({
    description:
      'Clients may speak HTTP/2 in clear text, which they must know beforehand: the first bytes of each connection are looked at.',
  })
  clear = false;

  @Integer(1, 10_000, {
    description: 'Requests at once on one HTTP/2 connection of a client; what is beyond them is refused unread.',
  })
  maxStreams = 100;

  @Integer(1, 1_000_000, {
    description:
      'Requests per second that a client may reset on one HTTP/2 connection, beyond `resetBurst`; with more the connection ends (ENHANCE_YOUR_CALM).',
    unit: '1/s',
  })
  resetsPerSecond = 50;

  @Integer(1, 1_000_000, { description: 'Requests that a client may reset at once on one HTTP/2 connection.' })
  resetBurst = 500;
}
