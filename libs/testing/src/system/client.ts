import { once } from 'node:events';
import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { eventually, RawClient } from '../index.js';

export interface Answer {
  status: number;
  reason: string;
  /** name, value, name, value … as received */
  rawHeaders: string[];
  headers: IncomingMessage['headers'];
  rawTrailers: string[];
  body: Buffer;
  text: string;
}

export interface Send {
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]> | string[];
  body?: string | Buffer;
  agent?: Agent;
  /** address to send from */
  localAddress?: string;
}

/** Starts a request that the test goes on with. */
export function start(
  port: number,
  { method = 'GET', path = '/', headers = {}, agent, localAddress = '127.0.0.1' }: Send = {},
): ClientRequest {
  const options = { host: '127.0.0.1', port, localAddress, method, path, headers, setHost: !Array.isArray(headers) };
  return request(agent === undefined ? { ...options, agent: false } : { ...options, agent });
}

/** Waits for the head of the answer. */
export async function headOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

/** Reads an answer to its end; rejects when it is cut off. */
export async function finish(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    rawHeaders: response.rawHeaders,
    headers: response.headers,
    rawTrailers: response.rawTrailers,
    body,
    text: body.toString('latin1'),
  };
}

/** One whole request and its whole answer. */
export async function send(port: number, options: Send = {}): Promise<Answer> {
  const outgoing = start(port, options);
  const response = headOf(outgoing);
  outgoing.end(options.body);
  return finish(await response);
}

/** The code in one of Berth's JSON errors. */
export function codeIn(text: string): string {
  const body = text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1);
  const { error } = JSON.parse(body) as { error: { code: string; message: string; request_id: string } };
  expect(error.message).not.toBe('');
  expect(error.request_id).not.toBe('');
  return error.code;
}

/** Sends bytes and waits until the gateway has closed the connection; what came back. */
export async function untilClosed(port: number, bytes: string): Promise<string> {
  const client = await RawClient.connect(port);
  client.send(bytes);
  await eventually(() => client.ended || client.closed);
  client.destroy();
  return client.text();
}

/** Sends bytes and waits until what came back matches. */
export async function untilMatch(port: number, bytes: string | Buffer, pattern: RegExp): Promise<string> {
  const client = await RawClient.connect(port);
  client.send(bytes);
  try {
    await eventually(() => pattern.test(client.text()));
  } catch (cause) {
    throw new Error(`no ${String(pattern)} in ${JSON.stringify(client.text().slice(0, 2000))}`, { cause });
  } finally {
    client.destroy();
  }
  return client.text();
}

/** Header lines of a raw message, start line first. */
export function headLines(text: string): string[] {
  return text.slice(0, text.indexOf('\r\n\r\n')).split('\r\n');
}
