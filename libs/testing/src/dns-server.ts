import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** One SRV record (RFC 2782). */
export interface SrvTarget {
  priority: number;
  weight: number;
  /** host name; `.`: the service is not there */
  target: string;
  port: number;
}

/** What the server says of a name: its records, or a code of RFC 1035 section 4.1.1; nothing at all for `silent`. */
export type DnsAnswer = readonly SrvTarget[] | 'NXDOMAIN' | 'SERVFAIL' | 'REFUSED' | 'silent';

/** A DNS server on a free UDP port of 127.0.0.1 that knows SRV records alone. */
export interface DnsServer extends AsyncDisposable {
  /** as `Resolver.setServers` takes it */
  address: string;
  /** what it says to names; others are NXDOMAIN */
  readonly names: Map<string, DnsAnswer>;
  /** names that it was asked for, in order */
  readonly asked: string[];
  close(): Promise<void>;
}

const CODES = { NXDOMAIN: 3, SERVFAIL: 2, REFUSED: 5 } as const;
const HEADER_BYTES = 12;
const TYPE_SRV = 33;
const CLASS_IN = 1;
const TTL_SECONDS = 300;
/** answer, authoritative, recursion available */
const FLAGS = 0x8480;
/** pointer to the name of the question (RFC 1035 section 4.1.4) */
const SAME_NAME = 0xc00c;

export async function dnsServer(names: Record<string, DnsAnswer> = {}): Promise<DnsServer> {
  const known = new Map(Object.entries(names));
  const asked: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const { name, end } = questionOf(query);
    asked.push(name);
    const answer = known.get(name) ?? 'NXDOMAIN';
    if (answer !== 'silent') reply(socket, from, query.subarray(0, end), answer);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const close = async (): Promise<void> => {
    socket.close();
    await once(socket, 'close');
  };
  return { address: `127.0.0.1:${socket.address().port}`, names: known, asked, close, [Symbol.asyncDispose]: close };
}

/** @returns the name in small letters without a last dot, and where the question ends */
function questionOf(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  return { name: labels.join('.'), end: at + 5 };
}

function reply(socket: Socket, to: RemoteInfo, question: Buffer, answer: Exclude<DnsAnswer, 'silent'>): void {
  const records = typeof answer === 'string' ? [] : answer.map(recordOf);
  const header = Buffer.from(question.subarray(0, HEADER_BYTES));
  header.writeUInt16BE(FLAGS | (typeof answer === 'string' ? CODES[answer] : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(records.length, 6);
  header.writeUInt32BE(0, 8);
  socket.send(Buffer.concat([header, question.subarray(HEADER_BYTES), ...records]), to.port, to.address);
}

function recordOf({ priority, weight, port, target }: SrvTarget): Buffer {
  const data = Buffer.concat([shorts(priority, weight, port), nameBytes(target)]);
  return Buffer.concat([shorts(SAME_NAME, TYPE_SRV, CLASS_IN, 0, TTL_SECONDS, data.length), data]);
}

function shorts(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value, i * 2));
  return bytes;
}

function nameBytes(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')])),
    Buffer.from([0]),
  ]);
}
