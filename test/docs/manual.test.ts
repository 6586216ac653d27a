// The manual is true: its configurations are right, its commands are commands, its links lead somewhere.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { wholeProgram } from '#cli/main.ts'
import { PACKAGE_ROOT } from '#gateway/version.ts'
import { blocksOf, commandsOf, documents, telemetryxCalls, type Block } from './blocks.ts'
import { problemsOfBlock } from './configurations.ts'
import { FOREIGN_PROGRAMS, FOREIGN_YAML } from './exceptions.ts'

const files = documents()
const blocks = files.flatMap(blocksOf)
const yaml = blocks.filter(({ language }) => language === 'yaml')
const commands = blocks
  .filter(({ language }) => ['sh', 'bash'].includes(language))
  .flatMap((block) => commandsOf(block).map((command) => ({ place: `${block.file}:${block.line}`, command })))
const { scripts } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { scripts: object }

/** The exception that a block falls under. */
function exceptionOf({ file, text }: Block): (typeof FOREIGN_YAML)[number] | undefined {
  return FOREIGN_YAML.find(([where, begins]) => where === file && text.startsWith(begins))
}

/** Nothing is carried out: each command only takes its arguments apart. */
async function parsed(args: readonly string[]): Promise<string> {
  const program = await wholeProgram()
  let complaint = ''
  const disarm = (command: Command): void => {
    if (command.commands.length === 0) command.action(() => {})
    command.exitOverride().configureOutput({ writeErr: (text) => void (complaint += text), writeOut: () => {} })
    for (const one of command.commands) disarm(one)
  }
  disarm(program)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return ''
  } catch (error) {
    const isAnswer = (error as { exitCode?: number }).exitCode === 0 // --help, --version
    return isAnswer ? '' : complaint || String(error)
  }
}

/** Why a command cannot be told to work; null: it can, or it is not ours. */
async function problemOfCommand(command: string): Promise<string | null> {
  const calls = telemetryxCalls(command)
  for (const call of calls) {
    const complaint = await parsed(call)
    if (complaint !== '') return complaint
  }
  const bare = command.replace(/^(?:\w+=(?:"[^"]*"|[^\s"]*)(?:\s+|$))*/, '').replace(/^sudo (?:-u \S+ )?/, '')
  const [program = '', first = '', second = ''] = bare.split(/\s+/)
  if (calls.length > 0 || bare === '' || program in FOREIGN_PROGRAMS) return null
  if (program === 'npm')
    return ['ci', 'test', 'start', 'install', 'audit'].includes(first) || second in scripts
      ? null
      : `there is no script ${second}`
  const path = program === 'node' ? first : program
  return existsSync(join(PACKAGE_ROOT, path)) && path.includes('/')
    ? null
    : `${path} is neither a file of ours nor an exception`
}

describe('YAML in the manual', () => {
  it.each(yaml.filter((block) => exceptionOf(block) === undefined))('is right: $file:$line', (block) => {
    expect(problemsOfBlock(block)).toEqual([])
  })

  it('would be found wrong', () => {
    const [block] = yaml.filter(({ file }) => file === 'README.md')
    expect(
      problemsOfBlock({ ...block!, text: block!.text.replace('register: holding', 'registr: holding') }),
    ).not.toEqual([])
    expect(problemsOfBlock({ ...block!, text: 'uplinks: [ { id: a, type: mqttt } ]' })).toEqual([
      expect.stringContaining('mqttt'),
    ])
  })
})

describe('commands in the manual', () => {
  it.each(commands)('can be given: $place $command', async ({ command }) => {
    expect(await problemOfCommand(command)).toBeNull()
  })

  it('would be found wrong', async () => {
    expect(await problemOfCommand('sudo -u telemetryx telemetryx exprt --sensor a.b')).toMatch(/unknown command/)
    expect(await problemOfCommand('bin/telemetryx gateway --confg x.yaml')).toMatch(/unknown option/)
    expect(await problemOfCommand('echo "x" | telemetryx sql --formt csv')).toMatch(/unknown option/)
    expect(await problemOfCommand('npm run pakage')).toMatch(/no script pakage/)
    expect(await problemOfCommand('frobnicate --now')).toMatch(/neither/)
  })
})

describe('links in the manual', () => {
  it.each(files)('lead somewhere: %s', (file) => {
    const text = readFileSync(join(PACKAGE_ROOT, file), 'utf8')
      .replace(/^( *)```[^]*?^\1```$/gm, '')
      .replace(/`[^`\n]*`/g, '')
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue
      const [path = '', anchor] = target!.split('#')
      const absolute = path === '' ? join(PACKAGE_ROOT, file) : join(PACKAGE_ROOT, dirname(file), path)
      expect(existsSync(absolute), `${file}: ${target}`).toBe(true)
      if (anchor !== undefined && absolute.endsWith('.md'))
        expect(anchorsOf(absolute), `${file}: ${target}`).toContain(anchor)
    }
  })
})

describe('what cannot be tried here', () => {
  it('is listed with reasons, and still there', () => {
    const used = new Set(commands.flatMap(({ command }) => command.match(/[\w-]+/g) ?? []))
    for (const [program, reason] of Object.entries(FOREIGN_PROGRAMS)) {
      expect(used, `${program} is in no command any more`).toContain(program)
      process.stdout.write(`not run: ${program}: ${reason}\n`)
    }
    for (const [file, begins, reason] of FOREIGN_YAML) {
      expect(
        yaml.some((block) => block.file === file && block.text.startsWith(begins)),
        `${file}: ${begins}`,
      ).toBe(true)
      process.stdout.write(`not checked: ${file}: ${begins}…: ${reason}\n`)
    }
  })
})

/** As GitHub makes them of headings. */
function anchorsOf(path: string): string[] {
  const headings = [...readFileSync(path, 'utf8').matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => heading!)
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
