import { readFileSync } from 'node:fs';
import { defaultAgentSettings } from 'berth-agent';
import { defaultGatewaySettings } from 'berth-gateway';
import { relayTrailers } from '@berth/http-rules';

const page = readFileSync('docs/protocol.md', 'utf8');
const PROTOCOL = 'libs/tunnel-protocol/src';
const VIOLATIONS = `${PROTOCOL}/tunnel-session.violations.spec.ts`;
const DECODER = `${PROTOCOL}/batch-decoder.spec.ts`;
const FRAMES = `${PROTOCOL}/connection-frames.spec.ts`;
const SESSION = `${PROTOCOL}/tunnel-session.spec.ts`;
const LIMITS = 'test/registration-limits.spec.ts';
const UPDATES = 'test/service-updates.spec.ts';
const EDGES = 'test/protocol-edges.spec.ts';

/** Words of a rule in docs/protocol.md, the spec that has its test, and words of the test's title. */
type Rule = readonly [words: string, spec: string, ...titles: string[]];

/** Every sentence with "must". */
const MUSTS: readonly Rule[] = [
  ['`require` it must be there', 'test/tls.spec.ts', 'A15: require: no certificate, no registration'],
  ['alternative names, must be the agent id', 'test/tls.spec.ts', 'a DNS name of the SAN', 'a URI of the SAN'],
  ["`Hello` must be the agent's first frame", FRAMES, 'must begin with Hello', 'a second Hello'],
  ['The whole handshake must be over', LIMITS, 'A14: a stream that sends nothing ends with the handshake timeout'],
  ['must treat an `Open` as a fault', FRAMES, 'must bring Welcome before the first Open'],
  ['`agent_id` must match', 'test/agent-registers.spec.ts', 'A10: ids of 1 and of 64 characters are taken'],
  ['`limits.max_exchanges` must be at least 1', EDGES, 'of $what is refused'],
  ['`exchange` must come before the kind', DECODER, 'the exchange behind the kind', 'a frame of two kinds'],
  ['Frames of field 2 to 15 must name', DECODER, 'an exchange frame without an exchange', 'names an exchange'],
  ['Their number must be even', DECODER, 'a header name without a value', 'a trailer name without a value'],
  ['Numbers may be left out, but must rise', VIOLATIONS, 'a number that does not rise'],
  ['`Head` must come once', VIOLATIONS, 'a second Head', 'a Head with status 99', 'a 101 that nobody asked for'],
  ['An agent must abort the request', 'test/client-leaves.spec.ts', 'FIN by close', 'while an event stream runs'],
  ['An agent must not make a span for it', 'test/traces.spec.ts', 'below those of the gateway alone'],
  ['must report its own troubles', 'test/agent-lost.spec.ts', '502 when the local service is down'],
  ['must end in `Reset`', 'apps/agent/src/forward/node-forward.spec.ts', 'resets when the service breaks off'],
  ['must never go below zero', VIOLATIONS, 'more Data than there is credit', 'a window that is used to the last byte'],
  ['Outstanding credit', VIOLATIONS, 'more credit than a number may hold'],
  ['Outstanding credit', EDGES, 'credit that was used up does not count'],
  [
    'it must not be sent to a peer that did not',
    'libs/tunnel-protocol/src/credit-return.spec.ts',
    'stays where the peer does not know of it',
    'stays with a sender whose body has ended',
  ],
  ['must fit the body that follows', 'test/bad-agents.spec.ts', 'a response longer than', 'a response shorter than'],
  ['which must not have one', 'libs/http-rules/src/headers.spec.ts', 'know which answers must not have a length'],
  [
    'must not send `Data` before the local service',
    'test/http-upgrades.spec.ts',
    'no byte of the client passes before',
  ],
  ['must be one that was asked for', 'test/upgrade-protocols.spec.ts', '502 when an agent upgrades'],
  ['must answer `Pong` with the same', FRAMES, 'answer a Ping with the very bytes of its number'],
  [
    'must not return together',
    'apps/agent/src/session/backoff.spec.ts',
    'spreads agents that lost their gateway together',
  ],
  [
    'must not end agents that nobody can reach',
    'test/refusals.spec.ts',
    'by a gateway with a wrong token, after it was',
  ],
  ['must not take it from each other in turns', 'test/duplicate-agent.spec.ts', 'A11: a replaced agent does not fight'],
  ['Messages must not be compressed', 'test/strangers.spec.ts', 'messages that are compressed are not taken'],
  [
    'must be answered with one `ConfigAck`',
    'test/agent-reports.spec.ts',
    'is answered on the connection on which it comes again, and applied once',
  ],
  ['must keep a `Head` well below', LIMITS, 'a gRPC message above the limit ends its call, and no other'],
];

/** Every row of the tables of faults. */
const FAULTS: readonly Rule[] = [
  ['a frame before `Hello`, a second `Hello`', LIMITS, 'a frame before Hello ends', 'a second Hello ends'],
  ['no `Hello` in time', LIMITS, 'A14: a stream that sends nothing ends with the handshake timeout'],
  ['limits, windows or metadata in `Hello`', LIMITS, 'metadata with %s is refused', 'no limits'],
  ['a list in `Services`', UPDATES, 'a list with %s ends the connection', 'more than there may be'],
  [
    'more before its Hello',
    'test/strangers.spec.ts',
    'whoever sends %s before a Hello is refused, and its connection cut',
  ],
  ['compressed messages', 'test/strangers.spec.ts', 'messages that are compressed are not taken'],
  ['a malformed `Batch`, `Frame` or message', DECODER, 'another field in Batch', 'a kind that is a number', 'a group'],
  ['a gRPC message above the limit', LIMITS, 'a gRPC message above the limit ends its call, and no other'],
  ["a frame that is the gateway's to send", FRAMES, 'Welcome to a gateway', 'ConfigPush to a gateway', 'Open to a'],
  ['a frame for an exchange that was never opened', VIOLATIONS, 'a frame of an exchange that was never opened'],
  ['`Head` twice', VIOLATIONS, 'a second Head', 'a Head on a byte pipe', 'a Head with status 1000'],
  ['`Informational` after `Head`', VIOLATIONS, 'an interim response after Head', '65 interim responses'],
  [
    '`Data` or `End` before `Head`',
    VIOLATIONS,
    'Data before Head',
    'End before Head',
    'Data after End',
    'a second End',
  ],
  ['`Data` that is too large', VIOLATIONS, 'Data larger than a frame may be', 'more Data than there is credit'],
  [
    'a `Head`, `Informational` or trailers',
    VIOLATIONS,
    'a head of more than 64 KiB',
    'more bytes of interim responses',
  ],
  ['`CreditReturn` of more', VIOLATIONS, 'a CreditReturn of what it never had', 'a CreditReturn after End'],
  ['outstanding credit above', VIOLATIONS, 'more credit than a number may hold'],
  ['no `Pong` in time', 'test/silent-agent.spec.ts', 'A12: a connection whose Pong is late is closed'],
  ['frames that wait because', VIOLATIONS, 'cuts off a peer that asks on and on and reads nothing'],
  ['a `Head` that is no valid HTTP', 'test/bad-agents.spec.ts', 'the same on an upgrade'],
  ['a body that does not fit', 'test/bad-agents.spec.ts', 'a response longer than', 'a response shorter than'],
  ['`Open` before `Welcome`', FRAMES, 'must bring Welcome before the first Open', 'a second Welcome'],
  ['`Open` with a number', VIOLATIONS, 'an exchange opened twice', 'a number beyond 31 bits'],
  ['`Data` or `End` after its `End`', VIOLATIONS, 'Data after an Open that promised none', 'End after an Open'],
  ["a frame that is the agent's to send", FRAMES, 'Hello to an agent', 'Health to an agent'],
  ['more exchanges than', VIOLATIONS, 'one exchange too many, or of a kind from the future: those alone are refused'],
  ['an unknown `ExchangeKind`', VIOLATIONS, 'one exchange too many, or of a kind from the future: those alone are'],
];

/** What else the page says of the edges, without "must". */
const OTHERS: readonly Rule[] = [
  ['stays as it is, and so do its exchanges', UPDATES, 'get ports of their own, and those that stay notice nothing'],
  ['its port closes at once', UPDATES, 'what runs has its grace, and the port closes at once'],
  ['What has changed is taken away', UPDATES, 'of another kind or on another address', 'lead where the connections'],
  ['the newest of those that wait', UPDATES, 'a flood of lists costs one at a time, and the last one counts'],
  ['every connection counts as another process', EDGES, 'without an instance_id are two processes'],
  ['END_STREAM is therefore the last thing', EDGES, 'that ends its stream has closed'],
  ['trailers in it are passed over', EDGES, 'trailers in a byte pipe are passed over'],
  ['nothing depends on it', EDGES, 'whatever it says of its connections'],
  ['one that the agent did not announce is taken all the same', EDGES, 'frames of features that nobody announced'],
  ['passed over', DECODER, 'passes over fields that a later version adds to a frame'],
  ['sends `Reset DONE`', SESSION, 'stops an upload that nobody reads any more once the response is complete'],
  ['late frames', VIOLATIONS, 'frames that crossed the end of their exchange'],
  ['the gateway opens nothing more', 'test/agent-drains.spec.ts', 'answers what is under way, takes nothing new'],
  [
    'opens its next connection first',
    'test/agent-reconnects.spec.ts',
    'makes its next connection before it breaks one',
  ],
];

/** The page in one line per sentence, bullet and table cell; code and diagrams left out. */
function sentences(): string[] {
  const prose = page.replace(/```[^]*?```/g, '').replace(/\n(?![\n#|*-]|\d\. |  )/g, ' ');
  return prose.split(/\n|\|/).flatMap((line) => line.trim().split(/(?<=[.:;]) (?=[A-Z`])/));
}

/** First cells of the tables of a section. */
function firstCells(title: string): string[] {
  const section = page.split(/^## /m).find((text) => text.startsWith(title)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|') && !line.startsWith('| -'));
  return rows.map((line) => line.split('|')[1]?.trim() ?? '').filter((cell) => cell !== 'breach');
}

describe('docs/protocol.md and the tests', () => {
  it('every "must" has a test', () => {
    const without = sentences()
      .filter((text) => /\bmust\b/.test(text))
      .filter((text) => !MUSTS.some(([words]) => text.includes(words)));
    expect(without).toEqual([]);
  });

  it('every fault in the tables has a test', () => {
    const without = firstCells('Faults').filter((cell) => !FAULTS.some(([words]) => cell.startsWith(words)));
    expect(without).toEqual([]);
    expect(firstCells('Faults')).toHaveLength(FAULTS.length);
  });

  it.each([...MUSTS, ...FAULTS, ...OTHERS])('%s: in the page, and tested by %s', (words, spec, ...titles) => {
    expect(page.replace(/\s+/g, ' ')).toContain(words);
    const source = readFileSync(spec, 'utf8');
    for (const title of titles) expect([spec, title, source.includes(title)]).toEqual([spec, title, true]);
  });

  it('the timeouts are the defaults of the settings', () => {
    const settings = { gateway: defaultGatewaySettings(), agent: defaultAgentSettings({ target: '1', id: 'a' }) };
    const section = page.split(/^## /m).find((text) => text.startsWith('Timeouts')) ?? '';
    const rows = section.split('\n').flatMap((line) => {
      const [, agent, path, value] = /\| (agent's )?`(\w+\.\w+)` +\| (\d+) +\|/.exec(line) ?? [];
      return path === undefined ? [] : [{ of: agent === undefined ? 'gateway' : 'agent', path, value: Number(value) }];
    });
    expect(rows.length).toBeGreaterThan(9);
    for (const { of, path, value } of rows) {
      const [group = '', name = ''] = path.split('.');
      const groups = settings[of as 'gateway' | 'agent'] as unknown as Record<string, Record<string, unknown>>;
      expect([of, path, groups[group]?.[name]]).toEqual([of, path, value]);
    }
  });

  it('the trailers that are left out are the ones that the page names', () => {
    const named = /left out by the sender: ([^.]*)\./.exec(page)?.[1] ?? '';
    const names = [...named.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    expect(names.length).toBeGreaterThan(15);
    expect(relayTrailers(names.flatMap((name) => [name, 'x']))).toEqual([]);
    const source = readFileSync('libs/http-rules/src/headers.ts', 'utf8');
    const listed =
      /INTERESTING = \[([^\]]*)\][^]*FORBIDDEN_TRAILERS[^[]*\[([^\]]*)\]/.exec(source)?.slice(1).join() ?? '';
    const inCode = [...listed.matchAll(/'([^']+)'/g)].map(([, name]) => name);
    expect(inCode.sort()).toEqual(names.map((name) => name.toLowerCase()).sort());
  });
});
