// The commands as plain data, read from the definitions that the command line itself works with: completion and the manual page
// are made of it, so that neither can say anything else than the program does.

import type { Argument, Command, Option } from 'commander'

/** What stands for a value: a name of a file, of a folder, one of some words, or any text. */
export type ValueKind = 'file' | 'folder' | 'word' | 'text'

export interface ValueNode {
  readonly name: string
  readonly kind: ValueKind
  /** Only of kind `word`. */
  readonly words: readonly string[]
  readonly isRequired: boolean
  readonly isVariadic: boolean
}

export interface OptionNode {
  /** `-c`; null without. */
  readonly short: string | null
  /** `--config`. */
  readonly long: string
  readonly description: string
  readonly value: ValueNode | null
  readonly default: string | null
}

export interface CommandNode {
  /** `telemetryx user add` is `['user', 'add']`. */
  readonly path: readonly string[]
  readonly name: string
  readonly summary: string
  readonly description: string
  readonly options: readonly OptionNode[]
  readonly values: readonly (ValueNode & { readonly description: string })[]
  readonly commands: readonly CommandNode[]
  /** What the help says after everything else: formats, examples. */
  readonly notes: string
}

/** Reads a command and all below it. */
export function commandTree(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp()
  const commands = help.visibleCommands(command).filter((one) => one.name() !== 'help')
  return {
    path,
    name: command.name(),
    summary: command.summary() || command.description(),
    description: command.description(),
    options: help.visibleOptions(command).map(optionNode),
    values: command.registeredArguments.map((argument) => ({
      ...valueNode(argument.name(), argument),
      description: argument.description,
    })),
    commands: commands.map((one) => commandTree(one, [...path, one.name()])),
    notes: notesOf(command),
  }
}

/** A command and all below it, parents first. */
export function allCommands(tree: CommandNode): CommandNode[] {
  return [tree, ...tree.commands.flatMap(allCommands)]
}

function optionNode(option: Option): OptionNode {
  const [, name] = /[<[]([^>\].]+)/.exec(option.flags) ?? []
  const isWorthTelling = option.defaultValue !== undefined && option.defaultValue !== false && !option.negate
  return {
    short: option.short ?? null,
    long: option.long!,
    description: option.description,
    value: name === undefined ? null : valueNode(name, option),
    default: isWorthTelling ? (option.defaultValueDescription ?? String(option.defaultValue)) : null,
  }
}

function valueNode(name: string, { argChoices, required, variadic }: Argument | Option): ValueNode {
  const words = argChoices ?? []
  return { name, words, kind: kindOf(name, words), isRequired: required, isVariadic: variadic }
}

function kindOf(name: string, words: readonly string[]): ValueKind {
  if (words.length > 0) return 'word'
  if (name === 'file') return 'file'
  return name === 'dir' ? 'folder' : 'text'
}

/** commander tells it only together with the rest of the help. */
function notesOf(command: Command): string {
  const before = command.configureOutput()
  let text = ''
  command.configureOutput({ ...before, writeOut: (part) => void (text += part) })
  command.outputHelp()
  command.configureOutput(before)
  return text.slice(command.helpInformation().length).trim()
}
