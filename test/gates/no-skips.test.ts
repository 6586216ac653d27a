// The gate of .ci/run against skipped tests is itself tested.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const gate = fileURLToPath(new URL('../../.ci/no-skips.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'telemetryx-gate-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the gate on a report with tests of these outcomes. */
function judge(outcomes: readonly string[]): { status: number | null; output: string } {
  const assertionResults = outcomes.map((status, index) => ({ status, fullName: `test ${index} (needs a peer)` }))
  const count = (wanted: string): number => outcomes.filter((status) => status === wanted).length
  const report = join(folder, 'report.json')
  const totals = { numPassedTests: count('passed'), numFailedTests: count('failed') }
  writeFileSync(report, JSON.stringify({ ...totals, testResults: [{ assertionResults }] }))
  const { status, stdout } = spawnSync(process.execPath, [gate, report], { encoding: 'utf8' })
  return { status, output: stdout }
}

describe('the gate against skipped tests', () => {
  it('lets a run pass in which every test ran', () => {
    expect(judge(['passed', 'passed'])).toEqual({ status: 0, output: '2 passed, 0 failed, 0 skipped\n' })
  })

  it.each(['pending', 'skipped', 'todo', 'disabled'])(
    'refuses a run with a test that is %s, and names it',
    (outcome) => {
      const { status, output } = judge(['passed', outcome])
      expect(status).toBe(1)
      expect(output).toContain('skipped: test 1 (needs a peer)')
    },
  )

  it('refuses a run without any test', () => {
    expect(judge([]).status).toBe(1)
  })
})
