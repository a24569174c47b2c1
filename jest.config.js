import { readdirSync } from 'node:fs';

// The folders of libs/ are what `#name` means (package.json, "imports"). Nothing
// else is mapped: packages have '#…' imports of their own.
const rooms = readdirSync(new URL('./libs', import.meta.url)).join('|');

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  maxWorkers: 2,
  // A bound for what hangs, not a measure: a machine with other work is slow.
  testTimeout: 20_000,
  testMatch: ['libs', 'apps', 'test', 'examples', 'bench'].map((folder) => `<rootDir>/${folder}/**/*.spec.ts`),
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  // js before ts: a package that ships its sources beside its code is run from the code.
  moduleFileExtensions: ['js', 'ts', 'cjs', 'mjs', 'json', 'node'],
  moduleNameMapper: {
    [`^#(${rooms})$`]: '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
        module: { type: 'es6' },
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: true },
          keepClassNames: true,
        },
      },
    ],
  },
  reporters: ['default', '<rootDir>/test/support/closing-line-reporter.cjs'],
};
