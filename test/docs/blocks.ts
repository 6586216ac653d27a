// The fenced blocks of the manual: README, CONTRIBUTING, SECURITY, docs/ and the READMEs of the rooms.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PACKAGE_ROOT } from '#gateway/version.ts'

export interface Block {
  readonly file: string
  readonly line: number
  readonly language: string
  readonly text: string
}

const PLACES = ['*.md', 'docs/*.md', 'drivers/*/README.md', 'src/**/README.md', 'bench/README.md', 'proto/README.md']

export function documents(): string[] {
  return PLACES.flatMap((place) => globSync(place, { cwd: PACKAGE_ROOT })).toSorted()
}

export function blocksOf(file: string): Block[] {
  const text = readFileSync(join(PACKAGE_ROOT, file), 'utf8')
  return [...text.matchAll(/^( *)```(\w*)\n([^]*?)^\1```$/gm)].map((match) => {
    const [, indent = '', language = '', content = ''] = match
    return {
      file,
      line: text.slice(0, match.index).split('\n').length,
      language,
      text: content.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }
  })
}

/** Commands of a block of shell: continued lines are one, comments are none. */
export function commandsOf(block: Block): string[] {
  const joined = block.text
    .replace(/\\\n\s*/g, ' ')
    .replace(/<<'?(\w+)'?[^]*?^\1$/gm, '')
    .replace(/'[^']*'/g, (quoted) => quoted.replaceAll('\n', ' ')) // a body of several lines
  return joined
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
}

/** The arguments of each call of `telemetryx` in a command line. */
export function telemetryxCalls(command: string): string[][] {
  return splitCommands(command).flatMap((words) => {
    const at = words.findIndex((word, place) => /(^|\/)telemetryx$/.test(word) && words[place - 1] !== '-u')
    const before = words.slice(0, Math.max(at, 0))
    const isCall = at >= 0 && before.every((word, place) => isPrefix(word, before[place - 1]))
    return isCall ? [words.slice(at + 1)] : []
  })
}

/** `sudo -u telemetryx`, `docker compose … exec gateway`, `node`, a variable. */
function isPrefix(word: string, previous = ''): boolean {
  return /^(sudo|-u|node|exec|docker|compose|-f|-T|\w+=.*)$/.test(word) || ['-u', '-f', 'exec', '-T'].includes(previous)
}

/** Words of each command between pipes, semicolons and `&&`, quotes taken off, redirections left out. */
function splitCommands(line: string): string[][] {
  const commands: string[][] = [[]]
  let skipsNext = false
  for (const [token] of line.matchAll(/&&|\|\||[|;&]|\d?[<>]+|(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'|;&<>])+/g)) {
    if (/^(?:&&|\|\||[|;&])$/.test(token)) commands.push([])
    else if (/^\d?[<>]+$/.test(token)) skipsNext = true
    else if (skipsNext) skipsNext = false
    else commands.at(-1)!.push(unquoted(token))
  }
  return commands
}

function unquoted(token: string): string {
  return token.replace(
    /"((?:[^"\\]|\\.)*)"|'([^']*)'/g,
    (_, double: string | undefined, single: string | undefined) => double ?? single ?? '',
  )
}
