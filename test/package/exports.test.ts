// What other programs get from the package: its exports, loaded from node_modules, where Node strips no types.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Runs a module in a project that has the package installed; answers what it prints. */
function runBeside(code: string): string {
  const home = mkdtempSync(join(tmpdir(), 'telemetryx-package-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }')
  mkdirSync(join(home, 'node_modules'))
  symlinkSync(root, join(home, 'node_modules', 'telemetryx'))
  const flags = ['--preserve-symlinks', '--input-type=module', '--eval', code]
  return execFileSync(process.execPath, flags, { cwd: home, encoding: 'utf8', stdio: 'pipe' }).trim()
}

describe('the package', () => {
  it('gives programs the client that collects', () => {
    const code = `import { createCollector } from 'telemetryx/collect'\nconsole.log(typeof createCollector)`
    expect(runBeside(code)).toBe('function')
  })

  it('gives receivers the module that drops repeats', () => {
    const code = `import { ReceivedPositions } from 'telemetryx/receiver'
      const positions = new ReceivedPositions()
      const batch = { epoch: 1, seqs: [1, 2] }
      positions.addBatch(batch)
      console.log(positions.has(1, 2), positions.has(1, 3))`
    expect(runBeside(code)).toBe('true false')
  })

  it('gives nothing else', () => {
    expect(() => runBeside(`await import('telemetryx/src/domain/errors.ts')`)).toThrow(/ERR_PACKAGE_PATH_NOT_EXPORTED/)
  })
})
