import { hangupIgnored, type StartFacts } from './hangup.js';

describe('hangupIgnored', () => {
  const PLAIN: StartFacts = {
    command: '/usr/bin/node',
    unreadableInput: false,
    parentIgnores: false,
    turnedFromTerminal: false,
  };

  it('is not, for what a terminal or a supervisor starts', () => {
    expect(hangupIgnored(PLAIN)).toBe(false);
    expect(hangupIgnored({ ...PLAIN, command: undefined })).toBe(false);
    expect(hangupIgnored({ ...PLAIN, command: '/opt/nohup/bin/berth-agent' })).toBe(false);
  });

  it.each<Partial<StartFacts>>([
    { command: '/usr/bin/nohup' },
    { command: 'nohup' },
    { unreadableInput: true },
    { parentIgnores: true },
    { turnedFromTerminal: true },
  ])('is, where %j', (facts) => {
    expect(hangupIgnored({ ...PLAIN, ...facts })).toBe(true);
  });
});
