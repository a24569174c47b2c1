import { readFileSync } from 'node:fs';
import { status as Grpc } from '@grpc/grpc-js';
import { ERROR_TABLE } from './codes.js';

describe('the table of errors in docs/operations.md', () => {
  it('has the codes of ERROR_TABLE, in its order, with their statuses', () => {
    const rows = readFileSync('docs/operations.md', 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `BERTH_'))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    const documented = rows.map(([, code, http, grpc, again]) => [code, http, grpc, again]);
    expect(documented).toEqual(
      Object.entries(ERROR_TABLE).map(([code, { http, grpc, retryable }]) => [
        `\`${code}\``,
        String(http),
        Grpc[grpc],
        retryable ? 'yes' : 'no',
      ]),
    );
    for (const cells of rows) expect(cells[5]).toMatch(/\S/);
  });
});
