// Completion as the shells themselves carry it out.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bashCompletion } from '#cli/completion/bash.ts'
import { fishCompletion } from '#cli/completion/fish.ts'
import { zshCompletion } from '#cli/completion/zsh.ts'
import { allCommands, commandTree, type CommandNode } from '#cli/command-tree.ts'
import { wholeProgram } from '#cli/main.ts'
import { run, telemetryx } from './run-command.ts'

const isThere = (shell: string): boolean => spawnSync(shell, ['--version'], { stdio: 'ignore' }).status === 0

let folder = ''
let tree: CommandNode
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'telemetryx-completion-'))
  tree = commandTree(await wholeProgram())
  mkdirSync(join(folder, 'some folder'))
  writeFileSync(join(folder, 'site.yaml'), '')
  writeFileSync(join(folder, 'bash'), bashCompletion(tree))
  writeFileSync(join(folder, '_telemetryx'), zshCompletion(tree))
  writeFileSync(join(folder, 'fish'), fishCompletion(tree))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Each line that the shell offers after these words; the last one is being typed. */
const CASES: readonly (readonly [typed: string, offered: readonly string[], not: readonly string[]])[] = [
  ['ex', ['export'], ['backup']],
  ['user ', ['add', 'list', 'password', 'remove'], ['export']],
  ['export --form', ['--format'], ['--from']],
  ['export --format ', ['csv', 'jsonl', 'parquet'], ['export']],
  ['schema ', ['gateway', 'simulate'], ['site.yaml']],
  ['gateway -c si', ['site.yaml'], ['some folder/']],
  ['check si', ['site.yaml'], []],
  ['user add --ro', ['--role'], []],
  ['token add --role ', ['viewer', 'admin'], ['add']],
  ['gateway --data so', ['some folder'], ['site.yaml']],
]

describe('completion in bash', () => {
  it.each(CASES)('offers after "telemetryx %s" %j', async (typed, offered, not) => {
    const words = `telemetryx ${typed}`.split(' ')
    const script = `source ./bash; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _telemetryx; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = await run('bash', ['-c', script], { cwd: folder })
    expect(stderr).toBe('')
    expectOffered(stdout, offered, not)
  })

  it('knows every command and option', async () => {
    const { stdout } = await telemetryx(['completion', 'bash'])
    expect(stdout).toBe(bashCompletion(tree))
    for (const { path, options } of allCommands(tree)) {
      if (path.length > 0) expect(stdout).toContain(`/${path.join('/')}) path=/${path.join('/')} ;;`)
      for (const { long } of options) expect(stdout).toContain(long)
    }
  })
})

describe.skipIf(!isThere('fish'))('completion in fish (needs fish)', () => {
  it.each(CASES)('offers after "telemetryx %s" %j', async (typed, offered, not) => {
    const env = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
    const { stdout, stderr } = await run(
      'fish',
      ['-c', `source ./fish; complete -C ${JSON.stringify(`telemetryx ${typed}`)}`],
      { cwd: folder, env },
    )
    expect(stderr).toBe('')
    const names = stdout.replace(/\t.*$/gm, '')
    expectOffered(names, offered, not)
  })
})

describe.skipIf(!isThere('zsh'))('completion in zsh (needs zsh)', () => {
  it.each(CASES)('offers after "telemetryx %s" %j', async (typed, offered, not) => {
    const args = ['-f', '-c', ZSH, 'zsh', `telemetryx ${typed}`]
    const { stdout } = await run('zsh', args, { cwd: folder, env: { TERM: 'dumb' } })
    expectOffered([...stdout.matchAll(/HIT:(.*?)\r?\n/g)].map(([, hit]) => hit!).join('\n'), offered, not)
  })
})

/** A zsh in a terminal of its own, in which Tab prints what would be offered, and then ends it. */
const ZSH = String.raw`
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PROMPT=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D; bindkey "^I" complete-word'
zpty -w shell 'compadd() {
  if [[ ${'$'}{@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
  local -a hits; builtin compadd -A hits "$@"; (( $#hits )) && print -rl -- HIT:$^hits
  builtin compadd "$@"
}'
zpty -w shell 'finish() { print; exit }; comppostfuncs=(finish)'
zpty -w shell 'print RE""ADY'
while zpty -r shell line; do [[ $line == *READY* ]] && break; done
zpty -n -w shell "$1"$'\t'
while zpty -r shell line; do print -rn -- $line; done
`

function expectOffered(lines: string, offered: readonly string[], not: readonly string[]): void {
  const words = lines.split('\n').map((line) => line.replaceAll('\\', '').replace(/\/$/, ''))
  for (const word of offered) expect(words).toContain(word)
  for (const word of not) expect(words).not.toContain(word.replace(/\/$/, ''))
}
