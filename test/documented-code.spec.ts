import { codeBlocks, typeErrors } from '@berth/testing/system';

/** A compiler with all of Nest's types, on a slow machine. */
const LONG_MS = 120_000;

describe('code in the documentation', () => {
  it(
    'compiles as it is written, each block by itself',
    async () => {
      const pages = ['docs/extending.md', 'docs/agent-library.md'].map((page) => codeBlocks(page));
      for (const blocks of pages) expect(blocks.length).toBeGreaterThan(5);
      expect(await typeErrors(pages.flat())).toEqual([]);
    },
    LONG_MS,
  );

  it(
    'a block that is wrong is found, with its place',
    async () => {
      const wrong = {
        place: 'page.md:3',
        code: "import { GatewayModule } from 'berth-gateway';\nGatewayModule.noSuch();\n",
      };
      expect(await typeErrors([wrong])).toEqual([expect.stringMatching(/^page\.md:3 \+ 1: Property 'noSuch'/)]);
    },
    LONG_MS,
  );
});
