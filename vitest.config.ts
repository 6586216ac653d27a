import { defineConfig } from 'vitest/config'

// .ci/run asks for a report by this variable and fails when a test was skipped.
const report = process.env['TELEMETRYX_TEST_REPORT']

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    execArgv: ['--wasm-wrapper-tiering-budget=2000000000'], // src/store/wasm-wrappers.ts
    testTimeout: 120_000, // twice what test/eventually.ts waits
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } }, // as test/eventually.ts: one second is short on a busy machine
    reporters: report === undefined ? ['default'] : ['default', 'json'],
    ...(report === undefined ? {} : { outputFile: { json: report } }),
  },
})
