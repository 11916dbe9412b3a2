import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'examples/test/**/*.test.ts',
      'bench/test/**/*.test.ts',
      'lab/test/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    globalSetup: ['scripts/vitest/quick-build-first.mjs'],
    reporters: ['default', './scripts/vitest/closing-line-reporter.mjs'],
    pool: 'forks',
    // On two cores it would leave one idle: many tests wait for processes of their own.
    maxWorkers: '100%',
    testTimeout: 20_000,
    // What is tested is what is published: dist is loaded by Node itself, not rewritten by the test runner.
    server: { deps: { external: [/\/(packages\/[^/]+|examples|bench|lab)\/dist\//] } },
  },
})
