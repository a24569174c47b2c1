import { expect, it } from '@jest/globals';
import { codeBlocks, typeErrors } from '@berth/testing/system';

it('the code of the README compiles as it is written, each block by itself', async () => {
  const blocks = codeBlocks('libs/policy-sdk/README.md');
  expect(blocks.length).toBeGreaterThan(2);
  expect(await typeErrors(blocks)).toEqual([]);
}, 60_000);
