// What a newcomer may expect of every command: told in a line, with an example, for programs too, quiet where nobody looks.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { allCommands, commandTree } from '#cli/command-tree.ts'
import { wholeProgram } from '#cli/main.ts'
import { progressBar } from '#cli/progress-line.ts'
import { LAUNCHER, run, telemetryx } from './run-command.ts'

/** What they print is a format of its own. */
const NO_JSON = new Map([
  ['schema', 'prints JSON'],
  ['completion', 'prints a script'],
])

const all = allCommands(commandTree(await wholeProgram()))
const leaves = all.filter(({ commands }) => commands.length === 0)
const groups = all.filter(({ commands }) => commands.length > 0)

describe.each(leaves.map((leaf) => ({ ...leaf, words: leaf.path.join(' ') })))(
  'telemetryx $words',
  ({ words, summary, description, options, notes, path }) => {
    it('says what it does and how', () => {
      expect(summary).toMatch(/^[a-z].*[^.]$/)
      expect(description).not.toBe('')
      // The examples of `user add` stand with `user`.
      const parent = groups.find((group) => group.path.join(' ') === path.slice(0, -1).join(' '))
      expect(path.length > 1 ? notes + parent!.notes : notes).toContain(`telemetryx ${path[0]!}`)
      for (const option of options) expect(option.description, option.long).not.toBe('')
    })

    it('answers programs in JSON', () => {
      const hasJson = options.some(({ long }) => long === '--json')
      expect(hasJson || NO_JSON.has(words)).toBe(true)
    })
  },
)

describe('a terminal', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'telemetryx-terminal-'))
    writeFileSync(join(folder, 'bad.yaml'), 'gateway: { id: A }\n')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const hasScript = spawnSync('script', ['--version'], { stdio: 'ignore' }).status === 0
  // Node.js takes a CI job's terminal for one without bold type: here a person sits at it.
  const onTerminal = (env: Record<string, string | undefined>) =>
    run('script', ['-qec', `${process.execPath} ${LAUNCHER} check bad.yaml`, '/dev/null'], {
      cwd: folder,
      env: { TERM: 'xterm', CI: undefined, ...env },
    })

  it.skipIf(!hasScript)('gets bold type, unless it wants none (needs script)', async () => {
    expect((await onTerminal({ NO_COLOR: undefined })).stdout).toContain('\u001b[1m')
    expect((await onTerminal({ NO_COLOR: '1' })).stdout).not.toContain('\u001b')
  })

  it('is not taken for granted', async () => {
    const { stdout, stderr, code } = await telemetryx(['check', 'bad.yaml'], {
      cwd: folder,
      env: { NO_COLOR: undefined },
    })
    expect(code).toBe(78)
    expect(stdout + stderr).not.toContain('\u001b')
  })
})

describe('a progress bar', () => {
  it('shows the share that is done', () => {
    expect(progressBar(0, 8)).toBe('[░░░░░░░░░░░░░░░░░░░░]   0 %')
    expect(progressBar(5, 8)).toBe('[████████████░░░░░░░░]  62 %')
    expect(progressBar(9, 8)).toBe('[████████████████████] 100 %')
    expect(progressBar(0, 0)).toContain('100 %')
  })
})
