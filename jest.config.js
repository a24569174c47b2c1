/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  // Our packages are run from their sources (package.json of each, "exports").
  testEnvironmentOptions: { customExportConditions: ['berth-source', 'node', 'node-addons'] },
  maxWorkers: 2,
  // Modules of files that ran stay in memory: with 2 GB of them, collecting garbage stopped a test for 2.3 s.
  workerIdleMemoryLimit: '700MB',
  // A bound for what hangs, not a measure: a machine with other work is slow.
  testTimeout: 20_000,
  testMatch: ['libs', 'apps', 'test', 'examples', 'bench', 'tools'].map((folder) => `<rootDir>/${folder}/**/*.spec.ts`),
  modulePathIgnorePatterns: ['/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  // js before ts: a package that ships its sources beside its code is run from the code.
  moduleFileExtensions: ['js', 'ts', 'cjs', 'mjs', 'json', 'node'],
  moduleNameMapper: {
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
  setupFiles: ['<rootDir>/test/suppressed-error.cjs'],
  reporters: ['default', '<rootDir>/test/closing-line-reporter.cjs'],
};
