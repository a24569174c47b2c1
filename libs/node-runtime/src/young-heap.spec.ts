import { COLLECTOR_FLAG, heapFlags } from './young-heap.js';

describe('heap of a relay', () => {
  const all = ['--max-semi-space-size=2', '--initial-old-space-size=128', COLLECTOR_FLAG];

  it('are all set where the caller chose none', () => {
    expect(heapFlags(['--enable-source-maps'], '--trace-gc', [COLLECTOR_FLAG])).toEqual(all);
  });

  it.each([
    ['with an underscore', ['--max_semi_space_size=16'], ''],
    ['in NODE_OPTIONS', [], '--trace-gc --max-semi-space-size=26'],
  ])('are left to the caller, each for itself: %s', (_how, execArgv, nodeOptions) => {
    expect(heapFlags(execArgv, nodeOptions, [COLLECTOR_FLAG])).toEqual(all.slice(1));
  });

  it('are not asked for a second time by the process that has them', () => {
    expect(heapFlags(all, '', [COLLECTOR_FLAG])).toEqual([]);
  });
});
