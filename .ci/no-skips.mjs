// Fails when the report names a skipped test, or no test at all. Last line: the count that the build server reads.

import { readFileSync } from 'node:fs'

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const tests = report.testResults.flatMap((file) => file.assertionResults)
const skipped = tests.filter(({ status }) => status !== 'passed' && status !== 'failed')
for (const { fullName } of skipped) process.stdout.write(`skipped: ${fullName}\n`)
process.stdout.write(`${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped.length} skipped\n`)
if (skipped.length > 0 || report.numPassedTests === 0) process.exit(1)
