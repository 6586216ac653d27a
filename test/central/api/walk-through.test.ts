// The walk in docs/central.md: its lines are run by a shell, as they stand there, against a central in a process of its own.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { LAUNCHER } from '#test/cli/run-command.ts'
import { hasPostgres, startPostgres } from '#test/sim/postgres.ts'

const hasCurl = spawnSync('curl', ['--version']).status === 0

describe.skipIf(!hasPostgres || !hasCurl)('the walk in the documentation (needs postgresql, curl)', () => {
  it('works as it stands there, and central ends cleanly', { timeout: 90_000 }, async () => {
    const postgres = await startPostgres()
    onTestFinished(() => postgres.stop())
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-walk-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'central.yaml')
    writeFileSync(file, `version: 1\nhttp: { port: 0 }\ndatabaseUrl: "\${DATABASE}"\n`)
    const child = spawn(process.execPath, [LAUNCHER, 'central', '-c', file, '--log-level', 'warn'], {
      env: { ...process.env, DATABASE: postgres.url },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const exited = once(child, 'exit')
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    })
    let log = ''
    child.stderr.on('data', (text: Buffer) => (log += text.toString()))
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const api = await Promise.race([lines.next(), exited.then(() => ({ value: `ended: ${log}` }))])
    const setup = await lines.next()
    expect(api.value).toMatch(/^API: http:\/\/127\.0\.0\.1:\d+\/api\/v1\/docs$/)
    const [, url, token] = /^First user: open (http:.*)\/setup#token=(\S+) once$/.exec(String(setup.value)) ?? []

    const shell = spawn('sh', ['-eu'], {
      cwd: folder,
      env: { PATH: process.env['PATH'], CENTRAL: url, TOKEN: token },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let [out, problems] = ['', '']
    shell.stdout.on('data', (text: Buffer) => (out += text.toString()))
    shell.stderr.on('data', (text: Buffer) => (problems += text.toString()))
    shell.stdin.end(walk())
    const [code] = (await once(shell, 'close')) as [number]
    expect([code, problems]).toEqual([0, ''])
    expect(out).toContain('"name":"shift-lead","role":"admin"')
    expect(out).toContain('{"accepted":{"readings":1,"events":0}}')
    expect(out).toContain('{"sensor":"mes.orders","value":12,"quality":"good"')
    expect(out).toContain('{"items":[],"next":null}')
    expect(out).toContain('"action":"key.create"')
    expect(readFileSync(join(folder, 'edge-01.key'), 'utf8')).toMatch(/^txc_[\w-]{43}\n?$/)

    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(log).toBe('')
  })

  it('is told what is wrong with a configuration, and what a right one looks like', () => {
    const folder = mkdtempSync(join(tmpdir(), 'telemetryx-walk-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'central.yaml')
    writeFileSync(file, 'version: 1\nhtttp: {}\n')
    const run = (...args: string[]) => spawnSync(process.execPath, [LAUNCHER, ...args], { encoding: 'utf8' })
    const wrong = run('central', '-c', file, '--check')
    expect([wrong.status, wrong.stderr]).toEqual([
      78,
      expect.stringContaining(`${file}:2:1: htttp: unknown key; did you mean "http"?`),
    ])
    const right = join(PACKAGE_ROOT, 'config/examples/central.yaml')
    expect(run('central', '-c', right, '--check')).toMatchObject({ status: 0, stdout: `${right}: ok\n` })
    const schema = run('schema', 'central')
    expect(JSON.parse(schema.stdout)).toMatchObject({ title: 'TelemetryX central' })
  })
})

/** The lines of the first shell block below "A first walk". */
function walk(): string {
  const page = readFileSync(join(PACKAGE_ROOT, 'docs/central.md'), 'utf8')
  const block = /## A first walk[\s\S]*?```sh\n([\s\S]*?)```/.exec(page)?.[1]
  if (block === undefined) throw new Error('docs/central.md has no walk')
  return block
}
