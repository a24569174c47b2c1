import { redisBusLimits } from './options.js';

describe('options of a RedisBus', () => {
  it.each([
    ['a wrong scheme', { url: 'http://user:s3cret@host' }],
    ['no host', { url: 'redis://' }],
    ['no URL', { url: 's3cret' }],
  ])('refuses %s without showing the url, which may have a password in it', (_what, options) => {
    expect.assertions(2);
    try {
      redisBusLimits(options);
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'BERTH_SERVICE_INVALID', details: { option: 'url' } });
      expect(String(thrown) + JSON.stringify(thrown)).not.toContain('s3cret');
    }
  });

  it.each([
    ['keyPrefix', "x'..os.exit()--"],
    ['keyPrefix', 'a b'],
    ['keyPrefix', 'x'.repeat(101)],
    ['maxPendingCalls', 0],
    ['maxPendingBytes', 1.5],
    ['maxQueuedPerObject', -1],
    ['maxQueuedPerMethod', Number.NaN],
    ['maxPayloadBytes', 256 * 1024 * 1024 + 1],
    ['maxDeliveries', 0],
    ['defaultTimeoutMs', 2 ** 31],
    ['workerTimeoutMs', 99],
    ['deadLetterLimit', Infinity],
    ['connectTimeoutMs', 0],
  ])('names the option that is wrong: %s %p', (option, value) => {
    expect(() => redisBusLimits({ url: 'redis://host', [option]: value })).toThrow(option);
  });

  it('takes a hash tag in the prefix, TLS, and values at their bounds', () => {
    const limits = redisBusLimits({
      url: 'rediss://user:pass@host:6380/1',
      keyPrefix: '{berth}:',
      workerTimeoutMs: 100,
    });
    expect(limits).toMatchObject({ keyPrefix: '{berth}:', workerTimeoutMs: 100, maxPendingCalls: 10_000 });
  });
});
