// Every command of docs/data.md, run beside a running demo.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { EVENTUALLY } from '#test/eventually.ts'
import { LAUNCHER, run } from './run-command.ts'

const DOCUMENT = readFileSync(join(PACKAGE_ROOT, 'docs', 'data.md'), 'utf8')
const BLOCKS = [...DOCUMENT.matchAll(/^```sh\n([^]*?)^```/gm)].map((match) => match[1]!)
const COMMANDS = BLOCKS.flatMap((block) => block.trimEnd().split('\n'))

let folder: string
let demo: ChildProcess

const shell = (command: string) =>
  run('bash', ['-o', 'pipefail', '-c', command], {
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:${dirname(process.execPath)}:${process.env['PATH']}` },
  })

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-docs-'))
  mkdirSync(join(folder, 'bin'))
  symlinkSync(LAUNCHER, join(folder, 'bin', 'telemetryx'))
  const args = [LAUNCHER, 'demo', '--data', 'data/demo', '--port', '0', '--json']
  demo = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  await once(createInterface(demo.stdout!), 'line')
  await vi.waitFor(async () => {
    const { stdout } = await shell('telemetryx export --data data/demo --sensor press-1.power --format csv')
    expect(stdout).toMatch(/press-1\.power,[0-9.]+,good,Good,kW/)
  }, EVENTUALLY)
}, 120_000)

afterAll(async () => {
  if (demo.exitCode === null) {
    demo.kill('SIGTERM')
    await once(demo, 'exit')
  }
  rmSync(folder, { recursive: true })
})

describe('docs/data.md', () => {
  it('has commands for all four', () => {
    for (const word of ['export', 'sql', 'backup', 'restore'])
      expect(COMMANDS.some((command) => command.includes(`telemetryx ${word} `))).toBe(true)
  })

  it.each(COMMANDS)('%s', async (command) => {
    const { code, stdout, stderr } = await shell(command)
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    const file = / (?:-o|>|backup --data data\/demo) (\S+)$/.exec(command)?.[1]
    if (file === undefined) expect(stdout).not.toBe('')
    else expect(statSync(join(folder, file)).size).toBeGreaterThan(20)
  })

  it('leaves the demo running, and a restored folder beside it', () => {
    expect(demo.exitCode).toBeNull()
    expect(existsSync(join(folder, 'data', 'restored', 'telemetryx.db'))).toBe(true)
    expect(existsSync(join(folder, 'data', 'restored', 'config', 'gateway.yaml'))).toBe(true)
    expect(statSync(join(folder, 'edge-01.tar')).mode & 0o777).toBe(0o600)
  })
})
