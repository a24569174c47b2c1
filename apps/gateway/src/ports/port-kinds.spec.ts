import { PortKinds, type PortServer } from './port-kinds.js';

describe('PortKinds', () => {
  const build = (): PortServer => {
    throw new Error('not asked for');
  };

  it('gives the builder of a kind, and names those that there are for another', () => {
    const kinds = new PortKinds();
    const http = { kind: 'http', build };
    kinds.add(http);
    kinds.add({ kind: 'tcp', build });
    expect(kinds.builderOf('http')).toBe(http);
    for (const [asked, named] of [
      ['udp', 'udp'],
      ['x'.repeat(1000), 'x'.repeat(32)],
    ] as const) {
      expect(() => kinds.builderOf(asked)).toThrow(
        expect.objectContaining({
          code: 'BERTH_PORT_KIND_UNSUPPORTED',
          message: `this gateway has no ports of kind "${named}", it has: http, tcp`,
        }) as Error,
      );
    }
  });

  it('refuses a second builder of a kind', () => {
    const kinds = new PortKinds();
    kinds.add({ kind: 'http', build });
    expect(() => {
      kinds.add({ kind: 'http', build });
    }).toThrow('two builders for ports of kind "http"');
  });
});
