import { heapFlags } from './young-heap.js';

describe('heap sizes of a relay', () => {
  const both = ['--max-semi-space-size=2', '--initial-old-space-size=128'];

  it('are both set where the caller chose none', () => {
    expect(heapFlags(['--enable-source-maps'], '--trace-gc')).toEqual(both);
  });

  it.each([
    ['with an underscore', ['--max_semi_space_size=16'], ''],
    ['in NODE_OPTIONS', [], '--trace-gc --max-semi-space-size=26'],
  ])('are left to the caller, each for itself: %s', (_how, execArgv, nodeOptions) => {
    expect(heapFlags(execArgv, nodeOptions)).toEqual(['--initial-old-space-size=128']);
  });

  it('are not asked for a second time by the process that has them', () => {
    expect(heapFlags(both, '')).toEqual([]);
  });
});
