import fc from 'fast-check';
import { exchangeFrame, latin1 } from '../testing/arbitraries.js';
import { BatchType, batchOf, fromPlain, schema } from '../testing/frame-model.js';
import { decodeControl, encodeControl } from './control-messages.js';
import { dataPrefix, encodeFrame, FrameField } from './frame-encoder.js';

function framesOf(batch: Uint8Array): protobufjsFrames {
  return (BatchType.decode(batch) as unknown as { frames: protobufjsFrames }).frames;
}
type protobufjsFrames = Parameters<typeof fromPlain>[0][];

describe('frame encoder', () => {
  it('builds exactly what the schema says', () => {
    fc.assert(
      fc.property(fc.array(exchangeFrame, { maxLength: 6 }), (frames) => {
        expect(framesOf(batchOf(...frames)).map(fromPlain)).toEqual(frames);
      }),
      { numRuns: 400 },
    );
  });

  it('numbers frames as the schema does', () => {
    const { fields } = schema.lookupType('berth.tunnel.v1.Frame');
    expect(FrameField).toEqual(Object.fromEntries(Object.values(fields).map(({ name, id }) => [name, id])));
  });

  it('puts the same prefix before bytes that are not copied', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 0x7fffffff }), latin1(40_000), (exchange, bytes) => {
        expect(dataPrefix(exchange, bytes.length) + bytes).toBe(encodeFrame.data(exchange, bytes));
      }),
      { numRuns: 50 },
    );
  });

  it('keeps the text of a reset within its field: ASCII, 256 characters', () => {
    const batch = Buffer.from(encodeFrame.reset(1, 9, `\u00e9\u20ac\n${'x'.repeat(300)}`), 'latin1');
    const [frame] = framesOf(batch).map(fromPlain);
    expect(frame).toMatchObject({ message: `???${'x'.repeat(253)}` });
  });

  it('carries a Hello and a Welcome with all their fields', () => {
    const hello = {
      versions: [1, 7],
      agentId: 'küche-1',
      token: 's3cret',
      features: ['upgrade'],
      limits: { maxExchanges: 128, initialWindowBytes: 262_144 },
      connections: 4,
      metadata: { site: 'Zürich' },
      instanceId: 'abc',
      softwareVersion: '0.1.0',
      portKind: 'tcp',
      services: [{ name: 'ssh', kind: 'tcp', port: 8122, healthPath: '/up', loopback: false }],
    };
    const [frame] = framesOf(Buffer.from(encodeControl('hello', hello), 'latin1'));
    expect(frame?.toJSON()['hello']).toEqual(hello);
    expect(decodeControl('hello', schema.lookupType('berth.tunnel.v1.Hello').encode(hello).finish())).toEqual(hello);
  });

  it('fills in what a Hello leaves out', () => {
    expect(decodeControl('hello', new Uint8Array())).toEqual({
      versions: [],
      agentId: '',
      token: '',
      features: [],
      limits: { maxExchanges: 0, initialWindowBytes: 0 },
      connections: 0,
      metadata: {},
      instanceId: '',
      softwareVersion: '',
      portKind: '',
      services: [],
    });
  });
});
