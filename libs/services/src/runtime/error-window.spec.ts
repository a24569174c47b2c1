import { ErrorWindow, WINDOW_MS } from './call-stats.js';

const NOW = 1_700_000_000_000;

describe('B17: ErrorWindow', () => {
  it('has seen nothing at first', () => {
    expect(new ErrorWindow().read(NOW)).toEqual({ calls: 0, errors: 0 });
  });

  it('counts calls and errors', () => {
    const window = new ErrorWindow();
    for (const failed of [true, false, false]) window.add(failed, NOW);
    expect(window.read(NOW)).toEqual({ calls: 3, errors: 1 });
  });

  it('keeps what happened for at least a minute, and for two at most', () => {
    const window = new ErrorWindow();
    window.add(true, NOW);
    window.add(true, NOW + WINDOW_MS - 1);
    expect(window.read(NOW + WINDOW_MS - 1).errors).toBe(2);
    // The second half begins; the first one stands beside it.
    window.add(false, NOW + WINDOW_MS);
    expect(window.read(NOW + 2 * WINDOW_MS - 1)).toEqual({ calls: 3, errors: 2 });
    expect(window.read(NOW + 2 * WINDOW_MS)).toEqual({ calls: 1, errors: 0 });
    expect(window.read(NOW + 3 * WINDOW_MS)).toEqual({ calls: 0, errors: 0 });
  });

  it('forgets all of it after a long silence, whoever asks first', () => {
    const window = new ErrorWindow();
    window.add(true, NOW);
    expect(window.read(NOW + 2 * WINDOW_MS)).toEqual({ calls: 0, errors: 0 });
    window.add(true, NOW);
    window.add(false, NOW + 10 * WINDOW_MS);
    expect(window.read(NOW + 10 * WINDOW_MS)).toEqual({ calls: 1, errors: 0 });
  });
});
