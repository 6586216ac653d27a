// bin/telemetryx on another Node.js than the one it needs, in a package of its own whose main says what it sees.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { LAUNCHER, run, telemetryx } from './run-command.ts'

/** A Node.js of this machine that is not 24.x, or undefined. */
function otherNode(): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/bin', '/usr/local/bin']
  return folders
    .filter((folder) => folder !== '' && !folder.endsWith('node_modules/.bin'))
    .map((folder) => join(folder, 'node'))
    .find((node) => {
      try {
        return !execFileSync(node, ['--version'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).startsWith(
          'v24.',
        )
      } catch {
        return false
      }
    })
}

const node = otherNode()
const other = node ?? 'none'

/** Says what runs it, then does what its first argument asks. */
const MAIN = `
export async function main(argv: readonly string[]): Promise<number> {
  console.log(JSON.stringify({ version: process.version, argv, pid: process.pid }))
  if (argv[0] === 'wait') {
    let timer: NodeJS.Timeout | undefined
    const word = await new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => resolve(signal))
      process.once('disconnect', () => resolve('left alone'))
      // Keeps the process alive: nothing else here does.
      timer = setInterval(() => {}, 60_000)
      console.log('waiting')
    })
    clearInterval(timer)
    process.channel?.unref()
    console.log(String(word))
    return 3
  }
  if (argv[0] === 'die') process.kill(process.pid, 'SIGKILL')
  return Number(argv[1] ?? 0)
}
`

let folder: string
let launcher: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx launcher-'))
  launcher = join(folder, 'package', 'bin', 'telemetryx')
  mkdirSync(join(folder, 'package', 'src', 'cli'), { recursive: true })
  mkdirSync(dirname(launcher))
  copyFileSync(LAUNCHER, launcher)
  copyFileSync(join(PACKAGE_ROOT, 'bin', 'package.json'), join(dirname(launcher), 'package.json'))
  chmodSync(launcher, 0o755)
  writeFileSync(join(folder, 'package', 'package.json'), '{ "type": "module" }')
  writeFileSync(join(folder, 'package', 'src', 'cli', 'main.ts'), MAIN)
})
afterAll(() => rmSync(folder, { recursive: true }))

/** With the pinned runtime beside the launcher, as npm installs it. */
function withRuntime(): void {
  symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(folder, 'package', 'node_modules'))
}

/** Starts `telemetryx wait` and resolves once it waits; `words` then resolves with all that it said. */
async function startWaiting(): Promise<{ child: ChildProcess; words: Promise<string>; exit: Promise<unknown> }> {
  const child = spawn(other, [launcher, 'wait'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  const exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
  const words = new Promise<string>((resolve) => child.once('close', () => resolve(said)))
  await new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text
      if (said.includes('waiting')) resolve()
    })
  })
  return { child, words, exit }
}

describe.skipIf(node === undefined)('the launcher on another Node.js (needs one that is not 24.x)', () => {
  it('says what to do when the pinned runtime is not there', async () => {
    const { code, stdout, stderr } = await run(other, [launcher, 'version'])
    expect(code).toBe(69)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^telemetryx: this is Node\.js \d+\.\d+\.\d+; TelemetryX needs Node\.js 24/)
    expect(stderr).toContain('run "npm ci" without --omit=optional')
  })

  it('runs the pinned runtime with the same arguments', async () => {
    withRuntime()
    const { code, stdout, stderr } = await run(other, [launcher, 'say', '7', 'two words', '--flag'])
    expect(JSON.parse(stdout)).toMatchObject({ argv: ['say', '7', 'two words', '--flag'] })
    expect(JSON.parse(stdout)).toHaveProperty('version', expect.stringMatching(/^v24\./))
    expect(stderr).toBe('')
    expect(code).toBe(7)
  })

  it('works through a symbolic link and from any folder', async () => {
    symlinkSync(launcher, join(folder, 'tx'))
    const { code, stdout } = await run(other, ['tx', 'say'], { cwd: folder })
    expect(JSON.parse(stdout)).toHaveProperty('version', expect.stringMatching(/^v24\./))
    expect(code).toBe(0)
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on and ends with the exit code', async (signal) => {
    const { child, words, exit } = await startWaiting()
    child.kill(signal)
    expect(await exit).toEqual({ code: 3, signal: null })
    expect(await words).toContain(`waiting\n${signal}\n`)
  })

  it('ends by the signal that ended the other process', async () => {
    expect(await run(other, [launcher, 'die'])).toMatchObject({ code: null, signal: 'SIGKILL' })
  })

  it('leaves no process behind when it is killed', async () => {
    const { child, words } = await startWaiting()
    child.kill('SIGKILL')
    // The pipe closes once the other process has ended too.
    expect(await words).toContain('left alone')
  })

  it('runs the real command line', async () => {
    const { code, stdout } = await run(other, [LAUNCHER, 'version', '--json'])
    expect(JSON.parse(stdout)).toHaveProperty('node', expect.stringMatching(/^v24\./))
    expect(code).toBe(0)
  })
})

describe('the launcher on the right Node.js', () => {
  it('runs the command in the same process', async () => {
    const { code, stdout, stderr } = await run(process.execPath, [launcher, 'say', '5'])
    expect(JSON.parse(stdout)).toMatchObject({ version: process.version, argv: ['say', '5'] })
    expect({ code, stderr }).toEqual({ code: 5, stderr: '' })
  })

  it('runs as a program', async () => {
    const path = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`
    expect(await run(LAUNCHER, ['version'], { env: { PATH: path } })).toMatchObject({ code: 0, stderr: '' })
  })

  it('prints no warning of Node.js', async () => {
    expect(await telemetryx(['version'])).toMatchObject({ code: 0, stderr: '' })
  })
})
