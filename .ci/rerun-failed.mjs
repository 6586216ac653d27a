// After a failed run: runs the files that failed once more, alone. Exits 0 when all of them pass then, and names each test that
// had failed, so that an unsteady test is seen and mended but does not hide what else was built. A fault that is always
// there fails twice. Anything else than a few failed tests (lint, types, a crash, errors outside of tests) is not tried again.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'

const MOST_FILES = 4

const file = process.argv[2]
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [] }
const failed = report.testResults.filter(({ status }) => status !== 'passed')
const tests = failed.flatMap(({ assertionResults }) => assertionResults.filter(({ status }) => status === 'failed'))
if (failed.length === 0 || failed.length > MOST_FILES || tests.length === 0) process.exit(1)

const again = `${file}.again.json`
const { status } = spawnSync('npx', ['vitest', 'run', ...failed.map(({ name }) => name)], {
  stdio: 'inherit',
  env: { ...process.env, TELEMETRYX_TEST_REPORT: again, VITEST_MAX_WORKERS: '1' },
})
if (status !== 0) process.exit(1)

const second = JSON.parse(readFileSync(again, 'utf8')).testResults
for (const { ancestorTitles, failureMessages, title } of tests) {
  const [first = ''] = (failureMessages[0] ?? '').split('\n')
  process.stdout.write(`unsteady: ${[...ancestorTitles, title].join(' > ')}: ${first}\n`)
}
const names = new Set(second.map(({ name }) => name))
const testResults = [...report.testResults.filter(({ name }) => !names.has(name)), ...second]
const count = (wanted) =>
  testResults.flatMap(({ assertionResults }) => assertionResults).filter((one) => one.status === wanted).length
writeFileSync(
  file,
  JSON.stringify({ ...report, testResults, numPassedTests: count('passed'), numFailedTests: count('failed') }),
)
