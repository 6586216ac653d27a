// Which configuration file a command uses, and how its problems are shown.

import { existsSync } from 'node:fs'
import { styleText } from 'node:util'
import type { ConfigProblemAt } from '#config/load.ts'
import { TelemetryError } from '#domain/errors.ts'

/** Where a configuration is looked for when none is named, first match wins. */
export const DEFAULT_CONFIG_FILES = ['config/gateway.yaml', '/etc/telemetryx/gateway.yaml'] as const

/** For the help of an option or argument. */
export const CONFIG_FILE_HELP = `configuration file (default: ${DEFAULT_CONFIG_FILES.join(', else ')})`

/** The named file, else the first default that exists. Throws CONFIG_UNREADABLE when there is none. */
export function configFile(named: string | undefined): string {
  const file = named ?? DEFAULT_CONFIG_FILES.find((candidate) => existsSync(candidate))
  if (file !== undefined) return file
  throw new TelemetryError('CONFIG_UNREADABLE', `there is neither ${DEFAULT_CONFIG_FILES.join(' nor ')}`)
}

/** `FILE:LINE:COLUMN: message` for each problem, one a line; in colour where `stream` is a terminal that wants it. */
export function problemLines(problems: readonly ConfigProblemAt[], stream: NodeJS.WriteStream): string {
  return problems
    .map(
      ({ file, line, column, message }) => `${styleText('bold', `${file}:${line}:${column}:`, { stream })} ${message}`,
    )
    .join('\n')
}

/** `1 problem`, `3 sensors`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
