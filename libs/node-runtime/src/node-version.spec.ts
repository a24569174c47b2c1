import { jest } from '@jest/globals';
import { REQUIRED_NODE, requireNode } from './require-node.js';

describe('requireNode', () => {
  afterEach(() => {
    jest.restoreAllMocks();
  });

  /** What is printed and the exit code; no code when it goes on. */
  function check(version?: string): { printed: string; code: number | undefined } {
    let printed = '';
    let code: number | undefined;
    jest.spyOn(process.stderr, 'write').mockImplementation((text) => {
      printed += String(text);
      return true;
    });
    jest.spyOn(process, 'exit').mockImplementation((status) => {
      code = Number(status);
      throw new Error('ended');
    });
    try {
      requireNode(version);
    } catch (thrown) {
      expect(thrown).toEqual(new Error('ended'));
    }
    return { printed, code };
  }

  it.each(['20.19.2', '22.99.0', '24.18.0', '24.9.9', '18.0.0', '0.12.18'])('ends on %s, and says why', (version) => {
    const { printed, code } = check(version);
    expect(code).toBe(2);
    expect(printed).toContain(`Berth needs Node ${REQUIRED_NODE} or later, and this is ${version}.`);
    expect(printed).toContain('Install a newer one');
  });

  it.each(['24.18.1', '24.18.2', '24.19.0', '25.0.0', '26.1.0'])('goes on with %s', (version) => {
    expect(check(version)).toEqual({ printed: '', code: undefined });
  });

  it('goes on with the Node of this test', () => {
    expect(check()).toEqual({ printed: '', code: undefined });
  });
});
