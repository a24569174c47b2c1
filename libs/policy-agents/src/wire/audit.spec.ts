import { readAudit } from './audit.js';

const long = 'x'.repeat(1000);

describe('audit data of an answer', () => {
  it('is taken up to what logs and people can do with', () => {
    const many = new Array<string>(1000).fill(long);
    const custom = Object.fromEntries(many.map((text, index) => [`${index}${text}`, text]));
    const audit = readAudit({ tags: many, rule_ids: many, reason_codes: many, custom });
    const { tags = [], ruleIds = [], reasonCodes = [], custom: said = {} } = audit ?? {};
    for (const list of [tags, ruleIds, reasonCodes, Object.keys(said)]) expect(list).toHaveLength(32);
    const texts = [tags, ruleIds, reasonCodes, Object.keys(said), Object.values(said)].flat();
    expect(Math.max(...texts.map(({ length }) => length))).toBe(256);
  });

  it('is taken whole where it is short', () => {
    expect(readAudit({ tags: ['a'], rule_ids: ['r'], confidence: 0.5, custom: { n: 1 } })).toEqual({
      ...{ tags: ['a'], ruleIds: ['r'], confidence: 0.5, reasonCodes: [], custom: { n: '1' } },
    });
  });
});
