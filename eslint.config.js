import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      '**/dist/',
      '**/node_modules/',
      'coverage/',
      '*.config.js',
      '**/*.cjs',
      'examples/admin-client/admin-api.ts',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Classes that only carry a Nest decorator are how Nest names its modules.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-unsafe-enum-comparison': 'off',
      // A DTO class is a shape with a description; its instances are plain objects.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // A name that keeps a signature readable, or an arity that somebody counts (Express). What `using` holds is used
      // by being there.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreUsingDeclarations: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['**/*.spec.ts'],
    // Jest types its matchers (expect.any, expect.stringMatching) as any.
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
);
