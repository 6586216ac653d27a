// The manual page: made from the commands, up to date, and without a complaint of the program that typesets it.

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { allCommands, commandTree } from '#cli/command-tree.ts'
import * as exitCodes from '#cli/exit-codes.ts'
import { generatedManualPage } from '#cli/generate-reference.ts'
import { wholeProgram } from '#cli/main.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'

const [path, made] = await generatedManualPage()
const committed = readFileSync(join(PACKAGE_ROOT, path), 'utf8')
const hasGroff = spawnSync('groff', ['--version'], { stdio: 'ignore' }).status === 0

function typeset(page: string): { stdout: string; stderr: string } {
  return spawnSync('groff', ['-man', '-Tutf8', '-ww', '-P-c'], {
    input: page,
    encoding: 'utf8',
    env: { ...process.env, GROFF_NO_SGR: '1' },
  })
}

describe('the manual page', () => {
  it('is what `npm run generate` writes', () => {
    expect(committed).toBe(made)
  })

  it('has every command with every option, and every exit code', async () => {
    const tree = commandTree(await wholeProgram())
    for (const { path: words, options, commands } of allCommands(tree)) {
      if (commands.length > 0) continue
      const from = made.indexOf(`.SS telemetryx ${words.join(' ')}`)
      expect(from, words.join(' ')).toBeGreaterThan(0)
      const section = made.slice(from, made.indexOf('\n.S', from + 1))
      for (const { long } of options)
        if (long !== '--help') expect(section).toContain(`\\fB${long.replaceAll('-', '\\-')}\\fR`)
    }
    for (const [name, code] of Object.entries(exitCodes))
      if (name.startsWith('EXIT_')) expect(made).toContain(`.TP\n.B ${String(code)}\n`)
  })

  it.skipIf(!hasGroff)('is typeset without a warning (needs groff)', () => {
    const { stdout, stderr } = typeset(committed)
    expect(stderr).toBe('')
    // eslint-disable-next-line no-control-regex -- bold type of a line printer
    const plain = stdout.replace(/.\u0008/g, '')
    expect(plain).toMatch(/telemetryx\s+export/)
    expect(plain).toContain('--format')
    expect(typeset(committed.replace('.SH NAME', '.SHH NAME')).stderr).toContain('SHH')
  })
})
