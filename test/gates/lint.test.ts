// The linter is itself tested: planted violations must be refused, and the real tree must be read at all.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const oxlint = join(root, 'node_modules/.bin/oxlint')
const planted: string[] = []

/** Plants files into a folder of its own inside a room and lints that folder with the real configuration. */
function lintPlanted(room: string, files: Readonly<Record<string, string>>): { status: number | null; output: string } {
  mkdirSync(join(root, room), { recursive: true })
  const folder = mkdtempSync(join(root, room, 'planted-'))
  planted.push(folder)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const { status, stdout } = spawnSync(process.execPath, [oxlint, '--type-aware', folder], {
    cwd: root,
    encoding: 'utf8',
  })
  return { status, output: stdout }
}

afterEach(() => {
  for (const folder of planted.splice(0)) rmSync(folder, { recursive: true, force: true })
})

describe('the linter', () => {
  it.each([
    ['src/domain', '#kit/clock.ts'],
    ['src/checks', '#kit/clock.ts'],
    ['src/kit', '#store/store.ts'],
    ['src/store', '#pipeline/pipeline.ts'],
    ['src/pipeline', '#store/store.ts'],
    ['src/acquisition', '#drivers/modbus/driver.ts'],
    ['src/uplinks', '#store/store.ts'],
    ['src/api', '#pipeline/pipeline.ts'],
    ['src/broker', '#drivers/mqtt/driver.ts'],
    ['src/api', '#broker/broker.ts'],
    ['src/store', '#brain/brain.ts'],
    ['src/brain', '#store/store.ts'],
    ['src/central', '#brain/brain.ts'],
    ['src/receiver', '#store/store.ts'],
    ['src/backing', '#central/central.ts'],
    ['src/gateway', '#backing/database.ts'],
    ['src/gateway', '#cli/main.ts'],
    ['src/gateway', '#update/apply.ts'],
    ['src/update', '#gateway/version.ts'],
    ['src/cli', '#store/store.ts'],
    ['drivers/modbus', '#pipeline/pipeline.ts'],
    ['drivers/modbus', '#drivers/serial/driver.ts'],
  ])('refuses that %s imports %s, as a value and as a type', (room, specifier) => {
    const asValue = lintPlanted(room, { 'a.ts': `import { x } from '${specifier}'\nexport const y: unknown = x\n` })
    expect(asValue.output).toContain('no-restricted-imports')
    expect(asValue.status).toBe(1)
    const asType = lintPlanted(room, {
      'a.ts': `import type { X } from '${specifier}'\nexport const y: X | null = null\n`,
    })
    expect(asType.output).toContain('no-restricted-imports')
  })

  it('refuses a relative path into another room', () => {
    const { status, output } = lintPlanted('src/store', {
      'a.ts': `import { createPipeline } from '../../pipeline/pipeline.ts'\nexport const y: unknown = createPipeline\n`,
    })
    expect(output).toContain('no-restricted-imports')
    expect(status).toBe(1)
  })

  it('accepts an import that the table allows', () => {
    const { status, output } = lintPlanted('src/store', {
      'a.ts': `import { systemClock } from '#kit/clock.ts'\nexport const y: number = systemClock.now()\n`,
    })
    expect(output).toContain('Found 0 warnings and 0 errors')
    expect(status).toBe(0)
  })

  it('refuses a cycle, also one of type imports alone', () => {
    const { status, output } = lintPlanted('src/kit', {
      'a.ts': `import type { B } from './b.ts'\nexport type A = B | null\n`,
      'b.ts': `import type { A } from './a.ts'\nexport type B = A | number\n`,
    })
    expect(output).toContain('no-cycle')
    expect(status).toBe(1)
  })

  it('refuses a promise that nobody awaits', () => {
    const { status, output } = lintPlanted('src/kit', {
      'a.ts': `export function f(): void {\n  Promise.resolve(1)\n}\n`,
    })
    expect(output).toContain('no-floating-promises')
    expect(status).toBe(1)
  })

  it('reads every source file of the tree', () => {
    const tracked = execFileSync('git', ['ls-files', 'src', 'drivers', 'test', 'bench', 'bin', '*.ts'], {
      cwd: root,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((path) => /\.(ts|tsx|mjs)$/.test(path))
      .filter((path) => !path.startsWith('src/rpc/generated/')) // checked by test/rpc/proto.test.ts instead
    const { stdout } = spawnSync(process.execPath, [oxlint, '--debug=files'], { cwd: root, encoding: 'utf8' })
    const read = new Set(stdout.split('\n').map((path) => path.replace(`${root}`, '').replace(/^\.\//, '').trim()))
    expect(tracked.length).toBeGreaterThan(20)
    expect(tracked.filter((path) => !read.has(path))).toEqual([])
  })
})
