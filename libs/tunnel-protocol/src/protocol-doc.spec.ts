import { readFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { ERROR_TABLE, isErrorCode } from '@berth/errors';
import { batchOf, schema } from '../testing/frame-model.js';
import { MAX_BATCH_BYTES, MAX_DATA_BYTES, MAX_EXCHANGE_ID, MAX_INFORMATIONAL } from './frames.js';
import { MAX_GRPC_MESSAGE_BYTES, TUNNEL_METHOD_PATH } from './grpc-transport.js';
import { SESSION_DEFAULTS } from './session-types.js';

const text = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8');

/** The bytes of a code block in the document, comments left out. */
function hexOf(name: string): string {
  const block = new RegExp(`\`\`\`hex ${name}\\n([^\`]*)\`\`\``).exec(text)?.[1] ?? '';
  return block.replace(/#.*$/gm, '').replace(/\s/g, '');
}

/** Cells of the table rows whose first cell matches. */
function rows(first: RegExp): string[][] {
  const cells = text.split('\n').filter((line) => line.startsWith('|'));
  return cells
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
    .filter((row) => first.test(row[1] ?? ''));
}

const grouped = (value: number): string => value.toLocaleString('en-US');

describe('docs/protocol.md', () => {
  it('shows the bytes that the encoder makes', () => {
    const request = batchOf(
      {
        exchange: 1,
        kind: 'open',
        head: { kind: 0, method: 'POST', target: '/tea', headers: ['Host', 'a.example'], body: true },
      },
      { exchange: 1, kind: 'data', bytes: 'milk?' },
      { exchange: 1, kind: 'end', trailers: undefined },
    );
    const response = batchOf(
      { exchange: 1, kind: 'head', head: { status: 200, reason: 'OK', headers: ['Content-Length', '3'] } },
      { exchange: 1, kind: 'data', bytes: 'no\n' },
      { exchange: 1, kind: 'end', trailers: undefined },
    );
    expect([hexOf('request'), hexOf('response')]).toEqual([request.toString('hex'), response.toString('hex')]);
  });

  it('gives every refusal the status and the retry of the error table', () => {
    const refusals = rows(/^BERTH_/);
    expect(refusals.length).toBeGreaterThan(10);
    for (const [, code = '', grpc = '', again] of refusals) {
      if (!isErrorCode(code)) throw new Error(`${code} is no error code`);
      const { grpc: number, retryable } = ERROR_TABLE[code];
      expect([code, grpc, again]).toEqual([code, status[number], retryable ? 'yes' : 'no']);
    }
  });

  it('lists the reset codes of the schema', () => {
    const listed = rows(/^RESET_/).map(([, name = '']) => name);
    const { values } = schema.lookupEnum('berth.tunnel.v1.ResetCode');
    expect(listed).toEqual(Object.entries(values).map(([name, number]) => `${name} (${number})`));
  });

  it('names the limits of the code', () => {
    const limit = (what: RegExp): string => rows(what)[0]?.[2] ?? '';
    expect(limit(/^gRPC message/)).toContain(grouped(MAX_GRPC_MESSAGE_BYTES));
    expect(limit(/^batch/)).toContain(grouped(MAX_BATCH_BYTES));
    expect(limit(/^Data$/)).toContain(grouped(MAX_DATA_BYTES));
    expect(limit(/^exchange number/)).toContain(grouped(MAX_EXCHANGE_ID));
    expect(limit(/^interim/)).toContain(grouped(MAX_INFORMATIONAL));
    expect(limit(/^waiting control/)).toContain(grouped(SESSION_DEFAULTS.maxControlBytes));
    expect(text).toContain(TUNNEL_METHOD_PATH);
  });
});
